"""The eager forward pass against Transformers, on checkpoints that Transformers saved."""

import os

import checkpoints
import pytest
import torch
import transformers

TOLERANCE = 1e-5
SHAPES = ((1, 7), (3, 5), (2, 1), (4, 12))


def agrees(run, folder, model, *options, names=("input_ids", "attention_mask", "token_type_ids"), shapes=SHAPES):
    for shape in shapes:
        given = checkpoints.inputs(model, *shape, names)
        found = checkpoints.difference(run("forward", folder, given, *options), checkpoints.expected(model, given))
        assert found <= TOLERANCE, f"{folder} {options} {names} {shape}: {found}"


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("size", checkpoints.SIZES)
def test_sizes(run, tmp_path, size, seed):
    model = checkpoints.make(seed=seed, **checkpoints.SIZES[size])
    agrees(run, checkpoints.save(model, tmp_path / "m"), model)


@pytest.mark.parametrize("head", checkpoints.HEADS)
def test_heads(run, tmp_path, head):
    extra = {} if head in ("BertForQuestionAnswering", "BertForNextSentencePrediction") else {"num_labels": 5}
    model = checkpoints.make(head, **extra)
    agrees(run, checkpoints.save(model, tmp_path / "m"), model)


ACTIVATIONS = sorted(set(transformers.activations.ACT2CLS) - {"prelu", "xielu"})


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(run, tmp_path, activation):
    model = checkpoints.make(hidden_act=activation)
    agrees(run, checkpoints.save(model, tmp_path / "m"), model, shapes=[(2, 6)])


@pytest.mark.parametrize("first_seed", range(int(os.environ.get("CALQUE_SEED", "0")), int(os.environ.get("CALQUE_SEED", "0")) + 12))
def test_random_configurations(run, tmp_path, first_seed):
    """Repeat one case with CALQUE_SEED=N."""
    config = checkpoints.random_config(first_seed)
    model = checkpoints.make(checkpoints.HEADS[first_seed % len(checkpoints.HEADS)], first_seed, **config)
    agrees(run, checkpoints.save(model, tmp_path / "m"), model, shapes=[(2, 9)])


@pytest.mark.parametrize(
    "names",
    [
        ("input_ids",),
        ("input_ids", "attention_mask"),
        ("input_ids", "token_type_ids"),
        ("input_ids", "position_ids"),
        ("input_ids", "attention_mask", "token_type_ids", "position_ids"),
    ],
)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_inputs_that_may_be_left_out(run, tmp_path, names, attention):
    model = checkpoints.make(attn_implementation=attention)
    agrees(run, checkpoints.save(model, tmp_path / "m"), model, f"--attention={attention}", names=names)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("kind", ["relative_key", "relative_key_query"])
def test_relative_positions(run, tmp_path, kind, attention):
    model = checkpoints.make(position_embedding_type=kind)
    agrees(run, checkpoints.save(model, tmp_path / "m"), model, f"--attention={attention}")


@pytest.mark.parametrize("head", checkpoints.HEADS)
def test_hidden_states_and_attentions(run, tool, tmp_path, head):
    model = checkpoints.make(head)
    folder = checkpoints.save(model, tmp_path / "m")
    model.config.output_hidden_states = model.config.output_attentions = True
    agrees(run, folder, model, "--hidden-states", "--attentions", shapes=[(2, 6)])
    names = tool.info(folder, "--hidden-states", "--attentions")["outputs"]
    theirs = model(**checkpoints.inputs(model, 1, 4), return_dict=True)
    assert names == list(theirs.keys())


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_masks_of_other_kinds(run, tmp_path, attention):
    """Per query, floating-point, boolean, and rows that are all padding."""
    model = checkpoints.make(attn_implementation=attention)
    folder = checkpoints.save(model, tmp_path / "m")
    given = checkpoints.inputs(model, 3, 6)
    triangle = torch.ones(6, 6, dtype=torch.int64).tril().expand(3, 6, 6)
    empty = given["attention_mask"].clone()
    empty[1] = 0
    for mask in (triangle, given["attention_mask"].float(), given["attention_mask"].bool(), empty):
        both = given | {"attention_mask": mask}
        found = checkpoints.difference(
            run("forward", folder, both, f"--attention={attention}"), checkpoints.expected(model, both)
        )
        assert found <= TOLERANCE


def test_segment_ids_in_the_place_of_the_mask(run, tmp_path):
    """As in the guide: they act as a mask there."""
    model = checkpoints.make()
    given = checkpoints.inputs(model, 1, 14)
    given = {"input_ids": given["input_ids"], "attention_mask": given["token_type_ids"]}
    ours = run("forward", checkpoints.save(model, tmp_path / "m"), given)
    assert checkpoints.difference(ours, checkpoints.expected(model, given)) <= TOLERANCE


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_dtypes_stay_as_saved(run, tool, tmp_path, dtype):
    model = checkpoints.make(dtype=dtype)
    folder = checkpoints.save(model, tmp_path / "m")
    assert {entry[2] for entry in tool.info(folder)["state"]} == {str(dtype).removeprefix("torch.")}
    given = checkpoints.inputs(model, 2, 6)
    tolerance = {torch.float64: 1e-12, torch.float16: 2e-2, torch.bfloat16: 1e-1}[dtype]
    assert checkpoints.difference(run("forward", folder, given), checkpoints.expected(model, given)) <= tolerance


def test_dtype_option(run, tmp_path):
    model = checkpoints.make()
    folder = checkpoints.save(model, tmp_path / "m")
    given = checkpoints.inputs(model, 2, 6)
    ours = run("forward", folder, given, "--dtype=float64")
    assert checkpoints.difference(ours, checkpoints.expected(model.double(), given)) <= 1e-12


def test_no_mmap(run, tmp_path):
    model = checkpoints.make()
    agrees(run, checkpoints.save(model, tmp_path / "m"), model, "--no-mmap", shapes=[(1, 7)])


def test_minilm(run, minilm):
    """Real weights."""
    model = transformers.AutoModel.from_pretrained(minilm, attn_implementation="eager").eval()
    agrees(run, minilm, model, shapes=[(2, 11)])


@pytest.mark.parametrize("command", ["forward", "trace"])
def test_text_beyond_the_positions(run, trace, tmp_path, command):
    """The words of PyTorch, as in Transformers."""
    model = checkpoints.make()
    folder = checkpoints.save(model, tmp_path / "m")
    given = checkpoints.inputs(model, 1, 40)
    with pytest.raises(RuntimeError) as theirs:
        model(**given)
    with pytest.raises(Exception) as ours:
        if command == "forward":
            run("forward", folder, given)
        else:
            run("run", trace(folder, checkpoints.inputs(model, 1, 7)), given)
    assert "The size of tensor a (40) must match the size of tensor b (32) at non-singleton dimension 1" in str(
        theirs.value
    )
    assert str(theirs.value) in str(ours.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input_ids": torch.full((1, 7), 97)}, "index out of range in self"),
        ({"input_ids": torch.full((1, 7), -1)}, "index out of range in self"),
        ({"input_ids": torch.ones(7, dtype=torch.int64)}, "input_ids must have 2 dimensions"),
        ({"attention_mask": torch.ones(1, 1, 1, 7)}, "Wrong shape for attention_mask"),
        ({"attention_mask": torch.ones(1, 5)}, "The size of tensor a (7) must match the size of tensor b (5)"),
        ({"wrong_name": torch.ones(1, 5)}, "got an unexpected keyword argument"),
    ],
)
def test_bad_inputs(run, tmp_path, change, words):
    model = checkpoints.make()
    given = checkpoints.inputs(model, 1, 7) | change
    with pytest.raises(Exception, match="Error") as error:
        run("forward", checkpoints.save(model, tmp_path / "m"), given)
    assert words in str(error.value)
