"""The engines, in the order of the tables; one file each. A file has

    prepare(model, precision)                what is done once, ahead of time, by an engine that converts the model
    Engine(model, precision, threads)        load(), bind(arrays) -> call, array(result) -> NumPy array of the hidden states
"""

import dataclasses
import importlib.metadata


@dataclasses.dataclass(frozen=True)
class Kind:
    """A peer: what it is called, the distributions that it needs, those that make up its installation, its precisions."""

    name: str
    title: str
    needs: tuple[str, ...]
    installs: tuple[str, ...]
    precisions: tuple[str, ...]
    needs_checkpoint: bool = False
    converts: bool = True


PEERS = (
    Kind("torch", "PyTorch eager", ("torch", "transformers"), ("torch",), ("f32", "bf16"), True, converts=False),
    Kind("torchscript", "TorchScript", ("torch", "transformers"), ("torch",), ("f32",)),
    Kind("compile", "torch.compile", ("torch", "transformers"), ("torch",), ("f32",), True, converts=False),
    Kind("onnxruntime", "ONNX Runtime", ("onnxruntime", "onnx", "torch"), ("onnxruntime",), ("f32", "int8")),
    Kind("openvino", "OpenVINO", ("openvino", "torch"), ("openvino",), ("f32", "bf16", "int8")),
    Kind("ctranslate2", "CTranslate2", ("ctranslate2", "torch"), ("ctranslate2",), ("f32", "int8"), needs_checkpoint=True),
)
EXTRA_NEEDS = {("openvino", "int8"): ("nncf",)}
# The names that Calque's --dtype takes, as the classes that engines are compared in.
CLASSES = {"float32": "f32", "bfloat16": "bf16", "bf16": "bf16", "float16": "f16", "int8": "int8", "float64": "f64"}


@dataclasses.dataclass(frozen=True)
class Chosen:
    """An engine at a precision, as it stands in the tables."""

    kind: Kind | None  # None: Calque
    precision: str
    dtype: str = ""  # Calque's own name of the precision

    @property
    def label(self) -> str:
        if self.kind is None:
            return "calque" if self.dtype == "float32" else f"calque:{self.dtype}"
        return self.kind.name if self.precision == "f32" else f"{self.kind.name}:{self.precision}"

    @property
    def title(self) -> str:
        name = self.kind.title if self.kind else "Calque"
        precision = self.precision if self.kind else self.dtype.replace("float32", "f32")
        return name if precision == "f32" else f"{name} {precision}"


def version_of(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def missing_packages(chosen: Chosen) -> list[str]:
    needs = chosen.kind.needs + EXTRA_NEEDS.get((chosen.kind.name, chosen.precision), ())
    return [name for name in needs if version_of(name) is None]


def installed_bytes(kind: Kind) -> int:
    """Bytes of the files that the engine's own distributions have installed."""
    total = 0
    for name in kind.installs:
        for file in importlib.metadata.files(name) or ():
            path = file.locate()
            total += path.stat().st_size if path.is_file() else 0
    return total


def choose(against: str, dtypes: list[str]) -> list[Chosen]:
    """`torch,onnxruntime:int8` or `all`, and Calque at each dtype. ValueError for a name that is no engine."""
    chosen = [Chosen(None, CLASSES.get(dtype, dtype), dtype) for dtype in dtypes]
    names = [kind.name for kind in PEERS] if against == "all" else [name for name in against.split(",") if name]
    kinds = {kind.name: kind for kind in PEERS}
    for name in names:
        head, _, precision = name.partition(":")
        kind = kinds.get(head)
        if kind is None or (precision and precision not in kind.precisions):
            choices = ", ".join(f"{k.name}{[':' + p for p in k.precisions[1:]] or ''}" for k in PEERS)
            raise ValueError(f"--against: there is no engine '{name}'; there are {choices}")
        for each in (precision,) if precision else kind.precisions:
            chosen.append(Chosen(kind, each))
    return chosen
