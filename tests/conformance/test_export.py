"""Archives that `calque export` wrote, loaded by real PyTorch, against the Transformers model itself."""

import os

import bert_models as bert
import pytest
import torch
import transformers

TOLERANCE = 1e-5
INPUTS = {
    "all": ("input_ids", "attention_mask", "token_type_ids"),
    "ids": ("input_ids",),
    "mask": ("input_ids", "attention_mask"),
    "segments": ("input_ids", "token_type_ids"),
}


@pytest.fixture(scope="module")
def exported(calque, tmp_path_factory):
    """Exports each checkpoint once: (model, archive, loaded archive)."""
    cache = {}

    def export(name, seed, inputs="all", *options, cls=transformers.BertModel, **extra):
        key = (name, seed, inputs, options, cls, tuple(sorted(extra.items())))
        if key not in cache:
            folder = tmp_path_factory.mktemp(name)
            checkpoint = bert.save_model(folder / "checkpoint", bert.make_model(name, seed, cls, **extra))
            # Reading it back ties the weights that are tied.
            model = cls.from_pretrained(checkpoint, torchscript=True, attn_implementation="eager").eval()
            archive = folder / "model.pt"
            chosen = [] if inputs == "all" else ["--inputs", ",".join(INPUTS[inputs])]
            calque("export", checkpoint, "-o", archive, *chosen, *options)
            cache[key] = model, archive, torch.jit.load(str(archive))
        return cache[key]

    return export


def check(model, loaded, names, seed, shapes=bert.SHAPES):
    for shape in shapes:
        if shape[1] > model.config.max_position_embeddings:
            continue
        inputs = bert.make_inputs(model, shape, seed, names)
        difference = bert.largest_difference(
            bert.flatten(loaded(*inputs.values())), bert.flatten(model(**inputs, return_dict=False))
        )
        assert difference <= TOLERANCE, f"shape {shape}: {difference}"


@pytest.mark.parametrize("seed", bert.SEEDS)
@pytest.mark.parametrize("name", bert.CONFIGS)
def test_torch_runs_our_archive(exported, name, seed):
    model, _, loaded = exported(name, seed)
    check(model, loaded, INPUTS["all"], seed)


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("name", ["tiny", "odd"])
def test_fewer_inputs(exported, name, inputs):
    model, _, loaded = exported(name, 0, inputs)
    check(model, loaded, INPUTS[inputs], 0)
    assert [argument.name for argument in loaded.forward.schema.arguments][1:] == list(INPUTS[inputs])


@pytest.mark.parametrize("name", ["tiny", "odd"])
def test_sdpa(exported, name):
    model, archive, loaded = exported(name, 1, "all", "--attn-implementation", "sdpa")
    assert "scaled_dot_product_attention" in str(loaded.inlined_graph)
    check(model, loaded, INPUTS["all"], 1)


def test_no_fused_attention_unless_asked_for(exported):
    """PyTorch before 2.0 has no scaled_dot_product_attention."""
    _, _, loaded = exported("tiny", 0)
    assert "scaled_dot_product_attention" not in str(loaded.inlined_graph)


@pytest.mark.parametrize("name", bert.CONFIGS)
def test_state_dict_is_that_of_transformers(exported, name):
    model, _, loaded = exported(name, 0)
    ours, theirs = loaded.state_dict(), model.state_dict()
    assert list(ours) == list(theirs)
    for key, value in theirs.items():
        assert ours[key].dtype == value.dtype
        assert torch.equal(ours[key], value), key


def test_modules_read_as_in_a_trace_of_pytorch(exported):
    model, _, loaded = exported("tiny", 0)
    inputs = bert.make_inputs(model, (1, 7), 0, INPUTS["all"])
    traced = torch.jit.trace(model, tuple(inputs.values()))
    ours = [(name, module.original_name) for name, module in loaded.named_modules()]
    theirs = [(name, module.original_name) for name, module in traced.named_modules()]
    assert ours == theirs


@pytest.mark.parametrize(
    "cls",
    [
        transformers.BertForSequenceClassification,
        transformers.BertForTokenClassification,
        transformers.BertForQuestionAnswering,
        transformers.BertForMaskedLM,
    ],
)
def test_heads(exported, cls):
    model, _, loaded = exported("tiny", 0, cls=cls)
    check(model, loaded, INPUTS["all"], 0)


@pytest.mark.parametrize("name", ["tiny", "odd"])
def test_we_run_our_own_archive(exported, calque, tmp_path, name):
    import safetensors.torch

    model, archive, _ = exported(name, 0)
    for shape in bert.SHAPES:
        inputs = bert.make_inputs(model, shape, 0, INPUTS["all"])
        safetensors.torch.save_file(inputs, tmp_path / "in.safetensors")
        calque("run", archive, "--input", tmp_path / "in.safetensors", "--output", tmp_path / "out.safetensors")
        outputs = safetensors.torch.load_file(tmp_path / "out.safetensors")
        ours = [outputs[f"output.{i}"] for i in range(len(outputs))]
        difference = bert.largest_difference(ours, bert.flatten(model(**inputs, return_dict=False)))
        assert difference <= TOLERANCE, f"shape {shape}: {difference}"


def test_static_trace_fails_at_another_length_as_the_guide_says(calque, exported, tmp_path):
    import safetensors.torch

    model, archive, loaded = exported("tiny", 0, "all", "--static", "--seq-len", "7", "--batch", "1")
    inputs = bert.make_inputs(model, (1, 7), 0, INPUTS["all"])
    check(model, loaded, INPUTS["all"], 0, shapes=[(1, 7)])

    message = "The expanded size of the tensor (3) must match the existing size (7) at non-singleton dimension 2"
    short = {name: value[:, :3].contiguous() for name, value in inputs.items()}
    with pytest.raises(RuntimeError) as error:
        loaded(*short.values())
    assert message in str(error.value)
    safetensors.torch.save_file(short, tmp_path / "in.safetensors")
    done = calque.run("run", archive, "--input", tmp_path / "in.safetensors")
    assert done.returncode == 1
    assert message in done.stderr


def test_same_checkpoint_same_bytes(calque, tmp_path):
    checkpoint = bert.save_model(tmp_path / "checkpoint", bert.make_model("odd", 0))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        calque("export", checkpoint, "-o", tmp_path / name / "model.pt")
    assert (tmp_path / "a/model.pt").read_bytes() == (tmp_path / "b/model.pt").read_bytes()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_dtype_of_the_checkpoint_is_kept(calque, tmp_path, dtype):
    model = bert.make_model("tiny", 0).to(dtype)
    checkpoint = bert.save_model(tmp_path / "checkpoint", model)
    calque("export", checkpoint, "-o", tmp_path / "model.pt")
    loaded = torch.jit.load(str(tmp_path / "model.pt"))
    assert {value.dtype for value in loaded.parameters()} == {dtype}
    inputs = bert.make_inputs(model, (2, 5), 0, INPUTS["all"])
    difference = bert.largest_difference(bert.flatten(loaded(*inputs.values())), bert.flatten(model(**inputs)))
    assert difference <= {torch.float64: 1e-12, torch.float16: 4e-3, torch.bfloat16: 4e-2}[dtype]


def test_mixed_dtypes_are_not_rounded(calque, tmp_path):
    """A checkpoint of bfloat16 weights with a float32 pooler: the smallest dtype that holds both, and a warning."""
    model = bert.make_model("tiny", 0)
    pooler = model.pooler.dense.weight.detach().clone()
    model = model.to(torch.bfloat16)
    model.pooler.float()
    with torch.no_grad():
        model.pooler.dense.weight.copy_(pooler)
    checkpoint = bert.save_model(tmp_path / "checkpoint", model)
    done = calque.run("export", checkpoint, "-o", tmp_path / "model.pt")
    assert done.returncode == 0 and "several dtypes" in done.stderr
    state = torch.jit.load(str(tmp_path / "model.pt")).state_dict()
    assert {value.dtype for value in state.values()} == {torch.float32}
    assert torch.equal(state["pooler.dense.weight"], pooler)


def test_bert_base_of_the_guide(calque, tmp_path):
    """vocab 32000, 12 layers of 768: the configuration of the Hugging Face guide, 440 MB of weights."""
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size_or_config_json_file=32000,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        torchscript=True,
    )
    model = transformers.BertModel(config).eval()
    checkpoint = bert.save_model(tmp_path / "checkpoint", model)
    calque("export", checkpoint, "-o", tmp_path / "traced_bert.pt")
    loaded = torch.jit.load(str(tmp_path / "traced_bert.pt"))
    shapes = bert.SHAPES if os.environ.get("CALQUE_FULL") else bert.SHAPES[:3]
    check(model, loaded, INPUTS["all"], 0, shapes=shapes)
