"""Which token ids a model takes: a checkpoint says it, an archive alone is asked, since its tables may be stored in any form."""

import pathlib
import tempfile

import numpy
from harness.engines import Chosen
from harness.models import Model, ModelError
from harness.process import EngineError, Process

# More words than any tokenizer has: an archive that takes this id does not look it up.
MOST = 1 << 24


def inputs_of(model: Model, ids: numpy.ndarray, mask: numpy.ndarray) -> dict[str, numpy.ndarray]:
    """What BERT takes, as far as the model has it."""
    arrays = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
    return {name: arrays[name] for name in model.arguments if name in arrays}


def count_ids(model: Model, calque: pathlib.Path) -> int:
    """The least id that the archive refuses, found by calls of one token each."""
    process = Process(Chosen(None, "f32", "float32"), model, 1, calque, 120)
    try:
        process.ask("load")
        with tempfile.TemporaryDirectory() as name:

            def refusal(token: int) -> str:
                # A name of its own for each call: the process may keep what it has read.
                inputs, output = pathlib.Path(name) / f"{token}.npz", pathlib.Path(name) / "output.npy"
                ids = numpy.array([[token]])
                numpy.savez(inputs, **inputs_of(model, ids, numpy.ones_like(ids)))
                try:
                    process.ask("output", input=str(inputs), to=str(output))
                except EngineError as error:
                    return str(error)
                return ""

            if problem := refusal(0):
                raise ModelError(f"{model.name} cannot be judged by sentences, it refuses one token: {problem}")
            taken, refused = 0, 1
            while not refusal(refused):
                taken, refused = refused, 2 * refused
                if refused > MOST:
                    raise ModelError(f"{model.name} cannot be judged by sentences: it takes any number as a token's id")
            while refused - taken > 1:
                middle = (taken + refused) // 2
                taken, refused = (taken, middle) if refusal(middle) else (middle, refused)
            return refused
    finally:
        process.end()


def check_same_ids(model: Model, reference: Model) -> None:
    """ModelError when one has words that the other does not have."""
    if model.vocabulary != reference.vocabulary:
        raise ModelError(
            f"{model.name} takes the ids 0 … {model.vocabulary - 1}, its reference {reference.name} 0 … {reference.vocabulary - 1}: "
            "the same sentence means other words to each; --reference takes the float32 archive or the checkpoint that the model was made from"
        )
