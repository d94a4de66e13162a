"""What is measured together: sets of models, shapes, threads and engines with a name. Options of the command line go before."""

import dataclasses
import os


@dataclasses.dataclass(frozen=True)
class Part:
    models: tuple[str, ...]
    shapes: tuple[str, ...]
    threads: tuple[int, ...]
    against: str = "all"
    changing: int = 100


ALL = len(os.sched_getaffinity(0))
FEW = tuple(dict.fromkeys((1, min(2, ALL))))
FLOAT32 = "torch:f32,torchscript,compile,onnxruntime:f32,openvino:f32,ctranslate2:f32"
GUIDE = "torch:f32,torchscript,onnxruntime:f32,openvino:f32"


def powers_of_two(most: int) -> tuple[int, ...]:
    """1, 2, 4 … and `most`."""
    return tuple(dict.fromkeys((*(1 << i for i in range(most.bit_length()) if 1 << i <= most), most)))


STUDIES = {
    # `make bench`: minutes.
    "default": (
        Part(("minilm",), ("1x8", "1x32", "1x128", "8x128", "32xreal"), FEW),
        Part(("bert-base",), ("1x8", "1x32", "1x128", "8x128"), FEW[-1:]),
    ),
    # Everything: hours.
    "full": (
        Part(
            ("minilm", "bert-base"),
            tuple(f"{batch}x{length}" for batch in (1, 8, 32) for length in (8, 16, 32, 64, 128, 256, 512)) + ("32xreal",),
            powers_of_two(ALL),
        ),
    ),
    # The guide's comparison: Python against TorchScript, by sequence length.
    "lengths": (
        Part(("minilm", "bert-base"), tuple(f"1x{n}" for n in (8, 16, 32, 64, 128, 256, 384, 512)), FEW[-1:], GUIDE, 0),
    ),
    "layers": (
        Part(tuple(f"bert-base:{n}" for n in (1, 2, 4, 8, 12)), ("1x8", "1x128"), FEW[-1:], GUIDE, 0),
    ),
    "threads": (Part(("minilm", "bert-base"), ("1x128", "8x128"), powers_of_two(ALL), FLOAT32, 0),),
    # From 128 to 16384 real tokens in a batch.
    "tokens": (
        Part(("minilm",), tuple(f"{n}xreal" for n in (6, 12, 24, 48, 96, 192, 384, 680)), FEW[-1:], FLOAT32, 0),
    ),
}
# What the README shows.
README = ("default", "lengths", "layers", "threads", "tokens")
