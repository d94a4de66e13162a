"""The subcommands of `calque`, with their options and defaults: export, run, inspect, check, bench, convert, quantize, script,
tokenize.

What they print is returned. Paths are str or os.PathLike; dtypes are calque's (`calque.float16`).
"""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import resource
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calque import _calque, errors, io, jit
from calque._calibration import is_text, lines_of
from calque._calls import Path_, call_of, flatten, load_to_run, skips, threads as threads_, types_of
from calque._calque import RunOptions, ScriptModule, Tensor
from calque._progress import progress

if TYPE_CHECKING:
    from calque._report import CheckReport, QuantizeReport
    from calque.transformers import BatchEncoding, PreTrainedModel

__all__ = ["BenchReport", "Inspection", "bench", "check", "convert", "export", "inspect", "quantize", "run", "script", "tokenize"]

_log = logging.getLogger(__name__)
_TASKS = {
    "feature-extraction": "Model",
    "fill-mask": "ForMaskedLM",
    "question-answering": "ForQuestionAnswering",
    "text-classification": "ForSequenceClassification",
    "token-classification": "ForTokenClassification",
}


def _dummy(name: str, batch: int, seq_len: int) -> Tensor:
    columns = range(seq_len)
    rows = {"input_ids": [(i % 2) for i in columns], "position_ids": list(columns), "attention_mask": [1] * seq_len}
    flat = [rows.get(name, [0] * seq_len)] * batch
    if name == "input_ids":
        flat = [[(row * seq_len + i) % 2 for i in columns] for row in range(batch)]
    return _calque.tensor(flat)


def export(
    model_dir: Path_,
    output: Path_,
    *,
    architecture: str | None = None,
    task: str | None = None,
    attn_implementation: str | None = None,
    dtype: _calque.dtype | None = None,
    inputs: Sequence[str] = (),
    batch: int = 1,
    seq_len: int = 8,
    static: bool = False,
    check_trace: bool = True,
) -> ScriptModule:
    """Traces a checkpoint and saves the archive; gives the traced module.

    `architecture` is the class to build (default: the first of `architectures` in config.json), or `task` chooses it:
    feature-extraction, fill-mask, question-answering, text-classification, token-classification. `inputs` are the inputs of
    forward (default: all that a tokenizer gives), `batch` and `seq_len` the shape of the dummy inputs, `static` fixes it.
    """
    from calque import transformers

    if architecture is not None and task is not None:
        raise errors.ValueError("export: architecture and task exclude each other")
    if task is not None and task not in _TASKS:
        raise errors.ValueError(f"export: task is {task!r}; expected one of {', '.join(_TASKS)}")
    options = {"attn_implementation": attn_implementation} if attn_implementation else {}
    with progress("export", 3) as step:
        step("reading the checkpoint")
        model: PreTrainedModel
        if task is not None:
            architecture = transformers.architecture_for(model_dir, _TASKS[task])
        if architecture is not None:
            cls = getattr(transformers, architecture)
            model = cls.from_pretrained(model_dir, torchscript=True, dtype=dtype, **options)
        else:
            model = transformers.load_configured(model_dir, torchscript=True, dtype=dtype, **options)
        names = list(inputs) or model.main_input_names
        unknown = sorted(set(names) - set(model.input_names))
        if unknown:
            raise errors.ValueError(f"export: the model has no input {unknown[0]!r}; it has {', '.join(model.input_names)}")
        step("tracing")
        examples = {name: _dummy(name, batch, seq_len) for name in model.input_names if name in names}
        traced = jit.trace(model, example_kwarg_inputs=examples, check_trace=check_trace, static_shapes=static)
        step("writing")
        jit.save(traced, output)
    return traced


def _log_pass_times(module: ScriptModule) -> None:
    for function, name, seconds in jit.pass_times(module):
        _log.info("pass %s over %s: %.3f ms", name, function, 1e3 * seconds)


def run(
    model: Path_,
    input: Path_ | Mapping[str, Any] | None = None,
    output: Path_ | None = None,
    *,
    method: str = "forward",
    dtype: _calque.dtype | str | None = None,
    padding: str = "exact",
    batch_invariant: bool = False,
    disable_pass: Sequence[str] = (),
    time_passes: bool = False,
    dump_phases: Path_ | None = None,
    repeat: int = 1,
    verify_checksums: bool = False,
    threads: int = 0,
    affinity: str = "",
    max_seconds: float = 0,
    max_memory: int = 0,
    max_iterations: int = 0,
) -> dict[str, Tensor]:
    """Calls an archive on tensors from a file (.npz, .safetensors, .json) or a dict; gives output.0, output.1, … depth first.

    Inputs are found by the names of the method's arguments, or by position as input.0, input.1, …; entries of a list x as x.0,
    x.1, …. `output` is a file to write. Zero means no limit of `max_seconds`, `max_memory` (bytes) and `max_iterations`.
    `dtype` "bf16", "int8", "int8-weights" or "int4-weights" computes products in it, a dtype converts the weights. `padding` "zero" leaves out positions that the
    attention mask excludes and gives zeros there, "exact" computes them. `batch_invariant` gives each row of a batch the bits that
    it gets alone. `affinity` names processors, as in "0,2,4-7", to which the threads are bound, one each. `disable_pass` names
    passes over the graph to leave out,
    `time_passes` logs how long each takes (logger "calque"), `dump_phases` is a folder where the graph is written after each.
    """
    with threads_(threads, affinity):
        passes: dict[str, Any] = {"disable_pass": disable_pass, "time_passes": time_passes, "dump_phases": dump_phases}
        module = load_to_run(model, dtype, verify_checksums=verify_checksums, **passes)
        tensors = input if isinstance(input, Mapping) else {} if input is None else io.read_tensors(input)
        kwargs = call_of(module, method, tensors)
        limits = RunOptions(max_seconds=max_seconds, max_memory=max_memory, max_iterations=max_iterations)
        limits.skip_padding, limits.batch_invariant = skips(padding), batch_invariant
        for _ in range(max(1, repeat)):
            result = module.run([], kwargs, limits, method)
    _log_pass_times(module)
    outputs = flatten(result, {})
    if output is not None:
        io.write_tensors(output, outputs)
    return outputs


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What lies in an archive."""

    file: str
    version: str
    """Of the format."""
    bytes: int
    """Of all records, as they are stored."""
    methods: dict[str, str]
    """Names with schemas."""
    modules: dict[str, tuple[str, int, int]]
    """Dotted names, "" first, with class, parameters and their bytes, those of the modules below included."""
    parameters: dict[str, tuple[str, tuple[int, ...]]]
    """Names with dtype and shape."""
    buffers: dict[str, tuple[str, tuple[int, ...]]]
    operators: dict[str, int]
    """Of forward, submodules included, the most frequent first."""
    extra_files: dict[str, int]
    """Names with bytes."""


def inspect(
    model: Path_,
    *,
    module: str = "",
    verify_checksums: bool = False,
    disable_pass: Sequence[str] = (),
    time_passes: bool = False,
    dump_phases: Path_ | None = None,
) -> Inspection:
    """Shows what lies in a TorchScript archive; runs nothing of it. `module` looks at a submodule, by its dotted name.

    `time_passes` and `dump_phases` plan forward and show what the passes over its graph take and make, as in `run`.

    The source and the graphs are attributes of the module: `calque.jit.load(model).code`, `.graph`, `.inlined_graph`.
    """
    passes: dict[str, Any] = {"disable_pass": disable_pass, "time_passes": time_passes, "dump_phases": dump_phases}
    root = jit.load(model, verify_checksums=verify_checksums, prepare=time_passes or dump_phases is not None, **passes)
    _log_pass_times(root)
    named = dict(root.named_modules())
    if module not in named:
        raise errors.ValueError(f"there is no module {module!r}; the archive has {', '.join(filter(None, named))}")
    chosen = named[module]
    records = io.list_records(model)
    versions = [record.name for record in records if record.name in (".data/version", "version")]
    rows = {}
    for name, part in chosen.named_modules():
        weights = part.parameters()
        rows[name] = (part.original_name, sum(w.numel() for w in weights), sum(w.nbytes for w in weights))
    operators: Counter[str] = Counter()
    if "forward" in chosen.method_names():
        operators.update(re.findall(r"^ *(?:%.* = )?(\w+::\w+)", chosen.inlined_graph, re.MULTILINE))
    for name in ("prim::Constant", "prim::GetAttr"):
        operators.pop(name, None)
    return Inspection(
        file=os.fspath(model),
        version=io.read_record(model, versions[0]).decode().strip() if versions else "",
        bytes=sum(record.stored_size for record in records),
        methods={name: chosen.schema(name) for name in chosen.method_names()},
        modules=rows,
        parameters={name: (_name(value), value.shape) for name, value in chosen.named_parameters()},
        buffers={name: (_name(value), value.shape) for name, value in chosen.named_buffers()},
        operators=dict(sorted(operators.items(), key=lambda row: (-row[1], row[0]))),
        extra_files={record.name[6:]: record.size for record in records if record.name.startswith("extra/")},
    )


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("calque.")


def check(
    model: Path_,
    *,
    shapes: Sequence[Sequence[int]] = (),
    method: str = "forward",
    max_seconds: float = 60,
    dtype: _calque.dtype | None = None,
    threads: int = 0,
    affinity: str = "",
) -> CheckReport:
    """As calque.jit.check, for a file."""
    with threads_(threads, affinity):
        return jit.check(os.fspath(model), shapes, method=method, max_seconds=max_seconds, dtype=dtype)


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Times of the calls at one shape, in seconds."""

    shape: str
    first: float
    median: float
    p99: float
    calls: int


@dataclasses.dataclass(frozen=True)
class BenchReport:
    """How long an archive takes."""

    load_seconds: float
    peak_bytes: int
    """Of the whole process."""
    runs: list[Measurement]

    def __str__(self) -> str:
        rows = [f"{'shape':>12} {'first call':>12} {'median':>12} {'p99':>12} {'calls':>7}"]
        for row in self.runs:
            times = " ".join(f"{1e3 * seconds:9.3f} ms" for seconds in (row.first, row.median, row.p99))
            rows.append(f"{row.shape:>12} {times} {row.calls:7d}")
        rows.append(f"load {1e3 * self.load_seconds:.1f} ms, peak memory {self.peak_bytes / 1e6:.0f} MB")
        return "\n".join(rows)


def _made_up(module: ScriptModule, method: str, shape: Sequence[int]) -> dict[str, Any]:
    """Token ids that any vocabulary has; ones for a mask, zeros for others."""
    schema = module.schema(method)
    kwargs: dict[str, Any] = {}
    for name, kind in zip(module.argument_names(method), types_of(schema), strict=True):
        if re.search(rf"\b{re.escape(name)}=", schema):
            continue
        if kind != "Tensor":
            raise errors.ValueError(f"argument {name!r} is a {kind}: give input")
        kwargs[name] = _calque.zeros(list(shape), dtype=_calque.dtype.int64).fill_(1 if "mask" in name else 0)
        if "input_ids" in name:
            count = kwargs[name].numel()
            kwargs[name] = _calque.tensor([1 + i % 10 for i in range(count)]).reshape(list(shape))
    return kwargs


def _measure(
    module: ScriptModule, method: str, kwargs: dict[str, Any], label: str, seconds: float, repeat: int, limits: RunOptions
) -> Measurement:
    def timed() -> float:
        start = time.perf_counter()
        module.run([], kwargs, limits, method)
        return time.perf_counter() - start

    times: list[float] = []
    first, start = timed(), time.perf_counter()
    while len(times) < repeat if repeat else len(times) < 5 or time.perf_counter() - start < seconds:
        times.append(timed())
    return Measurement(label, first, statistics.median(times), sorted(times)[min(len(times) - 1, int(0.99 * len(times)))], len(times))


def bench(
    model: Path_,
    *,
    shapes: Sequence[Sequence[int]] = ((1, 8), (1, 128), (8, 128)),
    input: Path_ | Mapping[str, Any] | None = None,
    method: str = "forward",
    dtype: _calque.dtype | str | None = None,
    padding: str = "exact",
    batch_invariant: bool = False,
    disable_pass: Sequence[str] = (),
    time_passes: bool = False,
    dump_phases: Path_ | None = None,
    seconds: float = 1,
    repeat: int = 0,
    threads: int = 0,
    affinity: str = "",
) -> BenchReport:
    """Measures an archive: load, first call, median, 99th percentile, memory.

    `shapes` are batch and length of made-up token ids, `input` tensors to measure on instead; `seconds` is the time to spend on
    each shape, `repeat` the number of calls in place of a time. `disable_pass`, `time_passes` and `dump_phases` are those of `run`.
    """
    with threads_(threads, affinity):
        start = time.perf_counter()
        passes: dict[str, Any] = {"disable_pass": disable_pass, "time_passes": time_passes, "dump_phases": dump_phases}
        module = load_to_run(model, dtype, **passes)
        limits = RunOptions(skip_padding=skips(padding), batch_invariant=batch_invariant)
        loaded = time.perf_counter() - start
        runs = []
        if input is not None:
            tensors = input if isinstance(input, Mapping) else io.read_tensors(input)
            runs.append(_measure(module, method, call_of(module, method, tensors), "input", seconds, repeat, limits))
        else:
            with progress("bench", len(shapes)) as step:
                for shape in shapes:
                    label = "x".join(map(str, shape))
                    step(label)
                    runs.append(_measure(module, method, _made_up(module, method, shape), label, seconds, repeat, limits))
    _log_pass_times(module)
    return BenchReport(loaded, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, runs)


def convert(model: Path_, output: Path_, *, dtype: _calque.dtype | None = None, pack: str | None = None) -> None:
    """Loads an archive, verifies it, and saves it again, with its extra files; `pack`: for this precision, as `jit.save_packed`."""
    names = [record.name for record in io.list_records(model) if record.name.startswith("extra/")]
    extra: dict[str, str | bytes] = {name[6:]: io.read_record(model, name) for name in names}
    module = jit.load(model, dtype=dtype, precision=pack or "float32", prepare=bool(pack), verify_checksums=True)
    (jit.save_packed if pack else jit.save)(module, output, extra)


def quantize(
    model: Path_,
    output: Path_,
    *,
    dtype: str = "int8",
    calibrate: Path_ | Mapping[str, Any] | Sequence[Path_ | Mapping[str, Any]] = (),
    tokenizer: Path_ | None = None,
    samples: int = 128,
    max_error: float = 0.0,
    keep: Sequence[str] = (),
    smooth: bool = True,
    threads: int = 0,
    affinity: str = "",
) -> QuantizeReport:
    """Stores the weights of an archive in low precision, as jit.quantize, and says what that changes.

    `calibrate` are files or dicts of tensors, as `run` takes them, or texts (.txt), whose first `samples` lines the `tokenizer`
    of a checkpoint folder reads.
    """
    given = [calibrate] if isinstance(calibrate, (str, os.PathLike, Mapping)) else list(calibrate)
    if tokenizer is not None and not any(map(is_text, given)):
        raise errors.ValueError("quantize: tokenizer reads the texts of calibrate, which names none (.txt)")
    with threads_(threads, affinity):
        module = jit.load(model, verify_checksums=True, prepare=False)
        calls: list[Mapping[str, Any]] = []
        for item in given:
            if is_text(item):
                calls += lines_of(module, item, tokenizer, samples - len(calls))
            else:
                calls.append(call_of(module, "forward", item if isinstance(item, Mapping) else io.read_tensors(item)))
        quantized, report = jit.quantize(module, dtype, calibration=calls, max_error=max_error, keep=keep, smooth=smooth)
        jit.save(quantized, output)
    return report


def script(source: Path_, output: Path_ | None = None, *, function: str | None = None) -> jit.CompilationUnit:
    """Compiles a file in TorchScript's part of Python, and saves one of its functions as an archive.

    `function` becomes forward (default: the only one, or the one called forward). Gives the compiled functions.
    """
    unit = jit.CompilationUnit(Path(source).read_text(encoding="utf-8"), label=os.fspath(source))
    names = unit.function_names()
    if output is not None:
        name = function or (names[0] if len(names) == 1 else "forward")
        found = unit.find_function(name)
        if found is None:
            raise errors.ValueError(f"{source} has the functions {', '.join(names) or 'none'}; choose one with function=")
        found.save(output)
    return unit


def tokenize(
    model_dir: Path_,
    text: str | None = None,
    pair: str | None = None,
    *,
    file: Path_ | None = None,
    padding: str = "do_not_pad",
    truncation: str = "do_not_truncate",
    max_length: int | None = None,
    stride: int = 0,
    pad_to_multiple_of: int | None = None,
    special_tokens: bool = True,
    output: Path_ | None = None,
) -> BatchEncoding:
    """Turns a text, a pair, or the lines of a file into token ids; writes them to `output` for `run`.

    `stride` over 0 gives the cut-off rest as further rows. For ids into text: `AutoTokenizer.from_pretrained(model_dir).decode(ids)`.
    """
    from calque.transformers import AutoTokenizer

    if (text is None) == (file is None):
        raise errors.ValueError("tokenize: give either a text or a file")
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    texts: Any = text if file is None else Path(file).read_text(encoding="utf-8").splitlines()
    encoded = tokenizer(
        texts,
        pair,
        add_special_tokens=special_tokens,
        padding=padding,
        truncation=truncation,
        max_length=max_length,
        stride=stride,
        pad_to_multiple_of=pad_to_multiple_of,
        return_overflowing_tokens=stride > 0,
        return_token_type_ids=True,
        return_attention_mask=True,
    )
    if output is not None:
        batched = file is not None or stride > 0
        names = ("input_ids", "attention_mask", "token_type_ids")
        io.write_tensors(output, {name: _calque.tensor(encoded[name] if batched else [encoded[name]]) for name in names})
    return encoded
