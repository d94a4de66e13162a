#!/usr/bin/env python3
"""What low precision does to answers: on 10 000 real sentences, the share whose label stays the same, and the cosine of
their embeddings with those of float32.

The labels come from linear heads (logistic regression over mean-pooled embeddings) that are trained on other sentences of
the same sources and told their topics: one tells all topics apart, and one a few that are unlike; see tasks.py. Everything
is read from files; the set-up is kept in build/bench/quality.

    bench/quality/quality.py --dtype bf16,int8 --quantize int8
    bench/quality/quality.py --quantize int8 --max-error 0.05,0.0125
    bench/quality/quality.py --model int8.pt --reference float32.pt
    bench/quality/quality.py --dtype bf16 --against onnxruntime:int8,openvino:bf16
"""

import argparse
import dataclasses
import functools
import hashlib
import itertools
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import numpy
import tasks
import texts
import vocabulary
from harness import report
from harness.engines import Chosen, choose
from harness.models import Model, ModelError, make_model, minilm_checkpoint, run_calque
from harness.paths import OUTPUT, ROOT
from harness.process import EngineError, Process
from harness.session import prepare, say, usable

FOLDER = OUTPUT / "quality"
SENTENCES, TRAINING = 10_000, 5_000
BATCH = 64
CALIBRATION = 128
LONGEST = 128
DTYPES, STORED = "bf16,int8,int8-weights,int4-weights", "int8,int4-weights"
CLEAR, ALL = "clear topics", "all topics"


def kept(name: str, make) -> list[dict]:
    """What `make` gives, from a file of that name when there is one."""
    path = FOLDER / name
    if not path.exists():
        rows = make()
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows))
    return json.loads(path.read_text())


class Sentences:
    """`count` sentences to judge by, and half as many to train on, for each task; fewer when the machine has fewer."""

    def __init__(self, count: int):
        self._count = count
        self._all = count + count * TRAINING // SENTENCES

    @functools.cached_property
    def _found(self) -> dict[str, list[str]]:
        say("collecting sentences")
        return texts.by_topic(self._all // 4)

    def of_all_topics(self) -> list[dict]:
        return kept(f"sentences-{self._count}.json", lambda: self._rows(texts.largest(self._found)))

    def of_clear_topics(self, rows: list[dict], vectors: numpy.ndarray, exact: Model) -> list[dict]:
        """Of the topics that the embeddings of the other task's training sentences tell apart best; kept for this model."""
        train = [i for i, row in enumerate(rows) if row["training"]]
        topics = numpy.array([rows[i]["topic"] for i in train])

        def make() -> list[dict]:
            among = tasks.candidates(self._found, self._all)
            return self._rows(tasks.clear_topics(vectors[train], topics, among))

        digest = hashlib.sha256(exact.archive.read_bytes()).hexdigest()[:8]
        return kept(f"sentences-{self._count}-clear-{digest}.json", make)

    def _rows(self, topics: list[str]) -> list[dict]:
        import tokenizers

        found = texts.collect(self._found, topics, self._all)
        if len(found) < 100:
            raise ModelError(f"there are only {len(found)} sentences in the documentation on this machine")
        tokenizer = tokenizers.Tokenizer.from_file(str(minilm_checkpoint() / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)
        encoded = tokenizer.encode_batch([sentence for sentence, _ in found])
        training = len(found) * TRAINING // (SENTENCES + TRAINING)
        return [
            {"text": sentence, "topic": topic, "ids": code.ids, "training": i < training}
            for i, ((sentence, topic), code) in enumerate(zip(found, encoded))
        ]


def write_batch(model: Model, rows: list[list[int]], path: pathlib.Path) -> numpy.ndarray:
    """Writes the inputs of a batch, and returns its mask."""
    ids = numpy.zeros((len(rows), max(map(len, rows))), numpy.int64)
    mask = numpy.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = numpy.array(row) % model.vocabulary, 1
    numpy.savez(path, **vocabulary.inputs_of(model, ids, mask))
    return mask


def embed(chosen: Chosen, model: Model, rows: list[dict], threads: int, calque: pathlib.Path) -> numpy.ndarray:
    """Mean of the token vectors of each sentence, normalised. Sentences of like length go together."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["ids"]))
    vectors: list[numpy.ndarray | None] = [None] * len(rows)
    process = Process(chosen, model, threads, calque, 900)
    try:
        process.ask("load")
        with tempfile.TemporaryDirectory() as name:
            # A name of its own for each batch: engines may keep what they have read.
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                inputs, output = pathlib.Path(name) / f"{start}.npz", pathlib.Path(name) / "output.npy"
                mask = write_batch(model, [rows[i]["ids"] for i in batch], inputs)
                process.ask("output", input=str(inputs), to=str(output))
                inputs.unlink()
                hidden, real = numpy.load(output).astype(numpy.float64), mask[..., None].astype(bool)
                # What stands at padding may be anything, NaN included.
                means = numpy.where(real, hidden, 0).sum(1) / mask.sum(1, keepdims=True)
                for i, vector in zip(batch, means):
                    vectors[i] = vector / numpy.linalg.norm(vector)
    finally:
        process.end()
    return numpy.array(vectors)


def quantized(model: Model, dtype: str, max_error: str, rows: list[dict], calque: pathlib.Path) -> tuple[Model, dict]:
    """The archive that `calque quantize` makes of the model, calibrated on some of the rows, and how it stores the layers."""
    text, archive = FOLDER / "calibration.txt", FOLDER / f"{model.folder.name}-{dtype}-{max_error}.pt"
    text.write_text("".join(row["text"] + "\n" for row in rows[:CALIBRATION]))
    options = ("--calibrate", text, "--tokenizer", model.checkpoint or minilm_checkpoint(), "--dtype", dtype, "--max-error", max_error)
    layers = json.loads(run_calque(calque, "quantize", model.archive, "-o", archive, *options, "--json"))["layers"]
    kept_layers = sum(layer["stored"] != dtype for layer in layers)
    facts = {"layers": len(layers), "kept_layers": kept_layers, "bytes": archive.stat().st_size}
    return dataclasses.replace(model, name=f"{model.name}-{dtype}", archive=archive), facts


def judge(task_list: dict[str, tasks.Task], vectors: numpy.ndarray) -> dict:
    """By task, and cosines over the sentences of all of them; `vectors` are those of all tasks, one after another."""
    reference = numpy.concatenate([task.reference for task in task_list.values()])
    cosines = (reference * vectors).sum(1)
    ends = numpy.cumsum([len(task.judged) for task in task_list.values()])
    parts = numpy.split(vectors, ends[:-1])
    return {
        "tasks": {name: task.judge(part) for (name, task), part in zip(task_list.items(), parts)},
        "cosine_median": float(numpy.median(cosines)),
        "cosine_first_percentile": float(numpy.percentile(cosines, 1)),
        "cosine_least": float(cosines.min()),
    }


def reference_vectors(model: Model, rows: list[dict], threads: int, calque: pathlib.Path) -> numpy.ndarray:
    """Float32 embeddings by the command, kept as long as neither the archive nor the command changes."""
    texts_and_files = json.dumps([row["ids"] for row in rows]).encode() + model.archive.read_bytes() + calque.read_bytes()
    path = FOLDER / f"float32-{hashlib.sha256(texts_and_files).hexdigest()[:16]}.npy"
    if not path.exists():
        say("embedding in float32")
        numpy.save(path, embed(Chosen(None, "f32", "float32"), model, rows, threads, calque))
    return numpy.load(path)


def table(results: dict) -> list[list[str]]:
    names = list(next(iter(results.values()))["tasks"])
    head = [f"{name}: {what}" for name in names for what in ("same label", "right label")]
    rows = [["against float32", *head, "cosine: median", "first percentile", "least", "kept layers"]]
    for name, entry in results.items():
        if "problem" in entry:
            rows.append([name, entry["problem"], *[""] * (len(rows[0]) - 2)])
            continue
        shares = [
            f"{100 * entry['tasks'][task][key]:.2f} %" for task in names for key in ("label_agreement", "right_labels")
        ]
        cosines = [f"{entry[f'cosine_{key}']:.6f}" for key in ("median", "first_percentile", "least")]
        rows.append([name, *shares, *cosines, f"{entry['kept_layers']} of {entry['layers']}" if "layers" in entry else ""])
    return rows


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", default="minilm", help="what is judged: minilm, a checkpoint folder or an archive that takes BERT's uncased words")
    add("--reference", help="archive or checkpoint to compare with, in float32 (default: the model itself)")
    add("--dtype", help=f"Calque's own --dtype; several with commas (default: {DTYPES}; with --reference none, the model is judged as it is)")
    add("--quantize", help=f"what `calque quantize` stores, as it is loaded; several with commas (default: {STORED}; with --reference none)")
    add("--max-error", default="0", help="of `calque quantize`: a layer that changes more stays bf16; several with commas (0: its default)")
    add("--against", default="", help="peers to judge as well, as bench/compare.py names them")
    add("--sentences", type=int, default=SENTENCES, help=f"how many to judge by (default: {SENTENCES})")
    add("--threads", type=int, default=2)
    add("--calque", type=pathlib.Path, default=ROOT / "build/release/calque", help="the command")
    add("--output", type=pathlib.Path, default=FOLDER / "quality.json", help="JSON file to write")
    add("--markdown", action="store_true", help="print a table of Markdown")
    add("--least-agreement", type=float, default=0, help="exit code 1 when Calque keeps a smaller share of the clear topics' labels")
    options = parser.parse_args()
    for name, usual in (("dtype", DTYPES), ("quantize", STORED)):
        if getattr(options, name) is None:
            setattr(options, name, "" if options.reference else usual)
    return options


def set_up_tasks(options: argparse.Namespace, exact: Model) -> dict[str, tasks.Task]:
    sentences = Sentences(options.sentences)
    rows = sentences.of_all_topics()
    vectors = reference_vectors(exact, rows, options.threads, options.calque)
    clear_rows = sentences.of_clear_topics(rows, vectors, exact)
    clear = tasks.Task(clear_rows, reference_vectors(exact, clear_rows, options.threads, options.calque))
    return {CLEAR: clear, ALL: tasks.Task(rows, vectors)}


def model_named(name: str, calque: pathlib.Path) -> Model:
    model = make_model(name, calque)
    return model if model.checkpoint else dataclasses.replace(model, vocabulary=vocabulary.count_ids(model, calque))


def measure(options: argparse.Namespace) -> dict:
    model = model_named(options.model, options.calque)
    exact = model_named(options.reference, options.calque) if options.reference else model
    vocabulary.check_same_ids(model, exact)
    task_list = set_up_tasks(options, exact)
    judged = [row for task in task_list.values() for row in task.judged]
    exactly = numpy.concatenate([task.reference for task in task_list.values()])
    results = {f"{exact.name}, the reference" if options.reference else "Calque float32": judge(task_list, exactly)}
    if options.reference:
        say(f"embedding by {model.name}")
        found = embed(Chosen(None, "f32", "float32"), model, judged, options.threads, options.calque)
        results[f"Calque, {model.name} as it is"] = judge(task_list, found)
    engines, missing = usable(choose(options.against, list(filter(None, options.dtype.split(",")))), model)
    results |= {entry["title"]: {"problem": entry["reason"]} for entry in missing}
    for chosen in engines:
        name = chosen.title if chosen.kind else f"Calque {chosen.dtype}"
        say(f"embedding by {name}")
        try:
            problem = prepare(chosen, model, options.threads)
            if problem:
                raise EngineError(problem)
            results[name] = judge(task_list, embed(chosen, model, judged, options.threads, options.calque))
        except EngineError as error:
            results[name] = {"problem": str(error)}
    for dtype, max_error in itertools.product(filter(None, options.quantize.split(",")), options.max_error.split(",")):
        title = f"archive of {dtype}" + (f", max error {max_error}" if float(max_error) else "")
        say(f"embedding by an {title}")
        training = [row for row in task_list[ALL].rows if row["training"]]
        archive, facts = quantized(model, dtype, max_error, training, options.calque)
        found = embed(Chosen(None, "f32", "float32"), archive, judged, options.threads, options.calque)
        results[f"Calque, {title}"] = judge(task_list, found) | facts
    topics = {name: sorted(set(task.topics)) for name, task in task_list.items()}
    return {"model": options.model, "reference": exact.name, "topics": topics, "results": results}


def least_agreement(entry: dict) -> float:
    return 0 if "problem" in entry else entry["tasks"][CLEAR]["label_agreement"]


def main() -> int:
    options = arguments()
    try:
        found = measure(options)
    except (ModelError, EngineError, ValueError) as error:
        print(f"quality.py: {error}", file=sys.stderr)
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(found, indent=1) + "\n")
    print(report.render(table(found["results"]), options.markdown))
    print(f"written: {options.output}", file=sys.stderr)
    ours = [entry for name, entry in found["results"].items() if name.startswith("Calque")]
    return 1 if any(least_agreement(entry) < options.least_agreement or "problem" in entry for entry in ours) else 0


if __name__ == "__main__":
    sys.exit(main())
