#!/usr/bin/env python3
"""What low precision does to answers: on 10 000 real sentences, the share whose label stays the same, and the cosine of
their embeddings with those of float32.

The labels come from a linear head (logistic regression over mean-pooled embeddings) that is trained on other sentences of
the same sources and told their topics; see texts.py. Everything is read from files; the set-up is kept in
build/bench/quality.

    bench/quality/quality.py --dtype bf16,int8 --quantize int8
    bench/quality/quality.py --model int8.pt --reference float32.pt
    bench/quality/quality.py --dtype bf16 --against onnxruntime:int8,openvino:bf16
"""

import argparse
import dataclasses
import hashlib
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import numpy
import texts
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


def set_up_texts(count: int) -> list[dict]:
    """`count` sentences to judge by, and half as many to train on; fewer when the machine has fewer."""
    path = FOLDER / f"sentences-{count}.json"
    if path.exists():
        return json.loads(path.read_text())
    say("collecting sentences")
    import tokenizers

    found = texts.collect(count + count * TRAINING // SENTENCES)
    if len(found) < 100:
        raise ModelError(f"there are only {len(found)} sentences in the documentation on this machine")
    tokenizer = tokenizers.Tokenizer.from_file(str(minilm_checkpoint() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    encoded = tokenizer.encode_batch([sentence for sentence, _ in found])
    training = len(found) * TRAINING // (SENTENCES + TRAINING)
    rows = [
        {"text": sentence, "topic": topic, "ids": code.ids, "training": i < training}
        for i, ((sentence, topic), code) in enumerate(zip(found, encoded))
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))
    return rows


def write_batch(model: Model, rows: list[list[int]], path: pathlib.Path) -> numpy.ndarray:
    """Writes the inputs of a batch, and returns its mask."""
    ids = numpy.zeros((len(rows), max(map(len, rows))), numpy.int64)
    mask = numpy.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = numpy.array(row) % model.vocabulary, 1
    arrays = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
    numpy.savez(path, **{name: arrays[name] for name in model.arguments})
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


def quantized(model: Model, dtype: str, rows: list[dict], calque: pathlib.Path) -> Model:
    """The archive that `calque quantize` makes of the model, calibrated on some of the rows."""
    text, archive = FOLDER / "calibration.txt", FOLDER / f"{model.name}-{dtype}.pt"
    text.write_text("".join(row["text"] + "\n" for row in rows[:CALIBRATION]))
    options = ("--calibrate", text, "--tokenizer", model.checkpoint or minilm_checkpoint(), "--dtype", dtype)
    run_calque(calque, "quantize", model.archive, "-o", archive, *options)
    return dataclasses.replace(model, name=f"{model.name}-{dtype}", archive=archive)


def train_head(vectors: numpy.ndarray, topics: list[str]):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=30, max_iter=500, random_state=0).fit(vectors, topics)


def judge(head, reference: numpy.ndarray, vectors: numpy.ndarray, topics: list[str]) -> dict:
    cosines = (reference * vectors).sum(1)
    exact, labels = head.predict(reference), head.predict(vectors)
    return {
        "sentences": len(topics),
        "label_agreement": float((exact == labels).mean()),
        "right_labels": float((labels == numpy.array(topics)).mean()),
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
    rows = [["against float32", "same label", "right label", "cosine: median", "first percentile", "least"]]
    for name, entry in results.items():
        if "problem" in entry:
            rows.append([name, entry["problem"], "", "", "", ""])
            continue
        shares = [f"{100 * entry[key]:.2f} %" for key in ("label_agreement", "right_labels")]
        rows.append([name, *shares, *(f"{entry[f'cosine_{key}']:.6f}" for key in ("median", "first_percentile", "least"))])
    return rows


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", default="minilm", help="what is judged: minilm, a checkpoint folder or an archive that takes BERT's uncased words")
    add("--reference", help="archive or checkpoint to compare with, in float32 (default: the model itself)")
    add("--dtype", default="bf16,int8,int8-weights,int4-weights", help="Calque's own --dtype; several with commas")
    add("--quantize", default="int8,int4-weights", help="what `calque quantize` stores, as it is loaded; several with commas")
    add("--against", default="", help="peers to judge as well, as bench/compare.py names them")
    add("--sentences", type=int, default=SENTENCES, help=f"how many to judge by (default: {SENTENCES})")
    add("--threads", type=int, default=2)
    add("--calque", type=pathlib.Path, default=ROOT / "build/release/calque", help="the command")
    add("--output", type=pathlib.Path, default=FOLDER / "quality.json", help="JSON file to write")
    add("--markdown", action="store_true", help="print a table of Markdown")
    add("--least-agreement", type=float, default=0, help="exit code 1 when Calque keeps a smaller share of labels")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict:
    rows = set_up_texts(options.sentences)
    model = make_model(options.model, options.calque)
    exact = make_model(options.reference, options.calque) if options.reference else model
    vectors = reference_vectors(exact, rows, options.threads, options.calque)
    train = numpy.array([row["training"] for row in rows])
    topics = [row["topic"] for row in rows]
    head = train_head(vectors[train], [topic for topic, training in zip(topics, train) if training])
    judged, judged_topics = [row for row in rows if not row["training"]], [t for t, training in zip(topics, train) if not training]
    reference = vectors[~train]
    results = {"Calque float32": judge(head, reference, reference, judged_topics)}

    engines, missing = usable(choose(options.against, options.dtype.split(",")), model)
    results |= {entry["title"]: {"problem": entry["reason"]} for entry in missing}
    for chosen in engines:
        name = chosen.title if chosen.kind else f"Calque {chosen.dtype}"
        say(f"embedding by {name}")
        try:
            problem = prepare(chosen, model, options.threads)
            if problem:
                raise EngineError(problem)
            found = embed(chosen, model, judged, options.threads, options.calque)
            results[name] = judge(head, reference, found, judged_topics)
        except EngineError as error:
            results[name] = {"problem": str(error)}
    for dtype in filter(None, options.quantize.split(",")):
        say(f"embedding by an archive of {dtype}")
        made = quantized(model, dtype, [row for row in rows if row["training"]], options.calque)
        found = embed(Chosen(None, "f32", "float32"), made, judged, options.threads, options.calque)
        results[f"Calque, archive of {dtype}"] = judge(head, reference, found, judged_topics)
    return {"model": options.model, "reference": exact.name, "topics": sorted(set(topics)), "results": results}


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
    return 1 if any(entry.get("label_agreement", 0) < options.least_agreement or "problem" in entry for entry in ours) else 0


if __name__ == "__main__":
    sys.exit(main())
