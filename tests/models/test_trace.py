"""Traced archives: in real PyTorch and in ours, against the Transformers model."""

import re

import checkpoints
import pytest
import torch

TOLERANCE = 1e-5
# None is the shape of the example inputs.
SHAPES = ((1, 3), (2, 5), (3, 12), (5, 1), (2, 30))
INPUTS = [
    ("input_ids",),
    ("input_ids", "attention_mask"),
    ("input_ids", "token_type_ids"),
    ("input_ids", "attention_mask", "token_type_ids"),
    ("input_ids", "attention_mask", "token_type_ids", "position_ids"),
]


def agrees(archive, model, run, names=INPUTS[3], shapes=SHAPES, seed=0):
    loaded = torch.jit.load(str(archive))
    assert [argument.name for argument in loaded.forward.schema.arguments][1:] == list(names)
    for shape in shapes:
        given = checkpoints.inputs(model, *shape, names, seed)
        wanted = checkpoints.expected(model, given)
        in_torch = checkpoints.difference(checkpoints.flatten(loaded(*given.values())), wanted)
        assert in_torch <= TOLERANCE, f"PyTorch, {shape}: {in_torch}"
        ours = checkpoints.difference(run("run", archive, given), wanted)
        assert ours <= TOLERANCE, f"ours, {shape}: {ours}"
    return loaded


@pytest.mark.parametrize("names", INPUTS, ids="+".join)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_inputs(trace, run, tmp_path, names, attention):
    model = checkpoints.make(attn_implementation=attention)
    folder = checkpoints.save(model, tmp_path / "m")
    archive = trace(folder, checkpoints.inputs(model, 1, 7, names), f"--attention={attention}")
    agrees(archive, model, run, names)


@pytest.mark.parametrize("head", checkpoints.HEADS)
def test_heads(trace, run, tmp_path, head):
    model = checkpoints.make(head)
    folder = checkpoints.save(model, tmp_path / "m")
    loaded = agrees(trace(folder, checkpoints.inputs(model, 1, 7)), model, run)
    ours, theirs = loaded.state_dict(), model.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    if head in ("BertForMaskedLM", "BertForPreTraining"):
        tied = loaded.cls.predictions.decoder.weight
        assert tied.data_ptr() == loaded.bert.embeddings.word_embeddings.weight.data_ptr()


@pytest.mark.parametrize("seed", range(10))
def test_random_configurations(trace, run, tmp_path, seed):
    config = checkpoints.random_config(100 + seed)
    model = checkpoints.make(checkpoints.HEADS[seed % len(checkpoints.HEADS)], seed, **config)
    folder = checkpoints.save(model, tmp_path / "m")
    shapes = [(2, 3), (1, 12), (4, 9)]
    agrees(trace(folder, checkpoints.inputs(model, 2, 7)), model, run, shapes=shapes, seed=seed)


def test_hidden_states_and_attentions(trace, run, tmp_path):
    model = checkpoints.make()
    folder = checkpoints.save(model, tmp_path / "m")
    archive = trace(folder, checkpoints.inputs(model, 1, 7), "--hidden-states", "--attentions")
    model.config.output_hidden_states = model.config.output_attentions = True
    loaded = agrees(archive, model, run)
    last, pooled, hidden_states, attentions = loaded(*checkpoints.inputs(model, 2, 4).values())
    assert len(hidden_states) == 3
    assert len(attentions) == 2
    assert torch.equal(last, hidden_states[-1])
    assert pooled.shape == (2, 24)


def test_dict_outputs(trace, tmp_path):
    model = checkpoints.make()
    folder = checkpoints.save(model, tmp_path / "m")
    loaded = torch.jit.load(str(trace(folder, checkpoints.inputs(model, 1, 7), "--dict")))
    outputs = loaded(*checkpoints.inputs(model, 2, 5).values())
    assert list(outputs) == ["last_hidden_state", "pooler_output"]


def test_modules_and_code_read_as_a_trace_of_pytorch(trace, tmp_path):
    model = checkpoints.make()
    given = checkpoints.inputs(model, 1, 7)
    archive = trace(checkpoints.save(model, tmp_path / "m"), given)
    ours = torch.jit.load(str(archive))
    traced = tmp_path / "theirs.pt"
    torch.jit.trace(model, tuple(given.values())).save(str(traced))
    theirs = torch.jit.load(str(traced))

    def classes(module):
        return [(name, child.original_name) for name, child in module.named_modules()]

    def type_name(module):
        return module._c._type().name()

    assert classes(ours) == classes(theirs)
    names = dict(ours.named_modules())
    assert [type_name(names[name]) for name, _ in theirs.named_modules()] == [
        type_name(child) for _, child in theirs.named_modules()
    ]
    # One module's text, in full.
    assert names["encoder.layer.1.attention.self"].code == EXPECTED_SELF_ATTENTION
    assert names["encoder.layer.0.output"].code == EXPECTED_OUTPUT
    # In these classes nothing differs but the order in which attributes are read.
    for path in ("encoder.layer.0.intermediate.dense", "encoder.layer.1.attention.output.dropout", "pooler.activation"):
        mine, original = names[path].code, dict(theirs.named_modules())[path].code
        assert sorted(without_names(mine)) == sorted(without_names(original)), path


def without_names(code: str) -> list:
    """Lines, without the names that values have."""
    return [re.sub(r"^.* = |(?<=return )\w+$", "", line).strip() for line in code.splitlines()]


EXPECTED_OUTPUT = """def forward(self,
    argument_1: Tensor,
    argument_2: Tensor) -> Tensor:
  dense = self.dense
  dropout = self.dropout
  LayerNorm = self.LayerNorm
  _0 = (dropout).forward((dense).forward(argument_1, ), )
  _1 = (LayerNorm).forward(torch.add(_0, argument_2), )
  return _1
"""

EXPECTED_SELF_ATTENTION = """def forward(self,
    argument_1: Tensor,
    attention_mask: Tensor) -> Tensor:
  query = self.query
  key = self.key
  value = self.value
  dropout = self.dropout
  batch_size = torch.size(argument_1, 0)
  _0 = torch.view((query).forward(argument_1, ), [batch_size, -1, 3, 8])
  query_layer = torch.transpose(_0, 1, 2)
  _1 = torch.view((key).forward(argument_1, ), [batch_size, -1, 3, 8])
  key_layer = torch.transpose(_1, 1, 2)
  _2 = torch.view((value).forward(argument_1, ), [batch_size, -1, 3, 8])
  value_layer = torch.transpose(_2, 1, 2)
  attention_scores = torch.matmul(query_layer, torch.transpose(key_layer, -1, -2))
  attention_scores0 = torch.div(attention_scores, 2.8284271247461903)
  attention_scores1 = torch.add(attention_scores0, attention_mask)
  attention_probs = torch.softmax(attention_scores1, -1)
  context_layer = torch.matmul((dropout).forward(attention_probs, ), value_layer)
  _3 = torch.permute(context_layer, [0, 2, 1, 3])
  context_layer0 = torch.contiguous(_3)
  _4 = torch.view(context_layer0, [batch_size, -1, 24])
  return _4
"""


def test_no_device_and_no_dtype_is_baked(trace, tmp_path):
    """Nothing names a device; converted to another dtype, the archive still runs."""
    model = checkpoints.make()
    given = checkpoints.inputs(model, 2, 7)
    archive = trace(checkpoints.save(model, tmp_path / "m"), given)
    loaded = torch.jit.load(str(archive))
    for name, module in loaded.named_modules():
        if hasattr(module, "code"):
            assert 'torch.device("' not in module.code, name
    converted = checkpoints.flatten(loaded.double()(*given.values()))
    assert checkpoints.difference(converted, checkpoints.expected(model.double(), given)) <= 1e-12
    for dtype, tolerance in ((torch.bfloat16, 0.2), (torch.float16, 0.05)):
        low = torch.jit.load(str(archive)).to(dtype)
        found = [tensor.double() for tensor in checkpoints.flatten(low(*given.values()))]
        assert checkpoints.difference(found, checkpoints.expected(model.double(), given)) <= tolerance


def test_integers_of_other_types(trace, run, tmp_path):
    model = checkpoints.make()
    archive = trace(checkpoints.save(model, tmp_path / "m"), checkpoints.inputs(model, 1, 7))
    given = {name: value.int() for name, value in checkpoints.inputs(model, 2, 5).items()}
    wanted = checkpoints.expected(model, given)
    assert checkpoints.difference(run("run", archive, given), wanted) <= TOLERANCE
    assert checkpoints.difference(checkpoints.flatten(torch.jit.load(str(archive))(*given.values())), wanted) <= TOLERANCE


@pytest.mark.parametrize("names", [INPUTS[0], INPUTS[3]], ids="+".join)
def test_static_trace(trace, run, tmp_path, names):
    model = checkpoints.make()
    folder = checkpoints.save(model, tmp_path / "m")
    given = checkpoints.inputs(model, 1, 7, names)
    archive = trace(folder, given, "--static")
    loaded = agrees(archive, model, run, names, shapes=[(1, 7)])

    def fails(shape, words):
        other = checkpoints.inputs(model, *shape, names)
        with pytest.raises(RuntimeError) as theirs:
            loaded(*other.values())
        assert words in str(theirs.value)
        with pytest.raises(Exception, match="RuntimeError") as ours:
            run("run", archive, other)
        assert words in str(ours.value)

    length = "The expanded size of the tensor ({}) must match the existing size (7) at non-singleton dimension 2"
    fails((1, 3), length.format(3) + ".  Target sizes: [1, 1, 3].  Tensor sizes: [1, 1, 7]")
    fails((1, 12), length.format(12))
    fails((3, 3), length.format(3))
    fails((3, 7), "The expanded size of the tensor (1) must match the existing size (3) at non-singleton dimension 0")


def test_static_trace_of_a_batch(trace, run, tmp_path):
    model = checkpoints.make()
    folder = checkpoints.save(model, tmp_path / "m")
    archive = trace(folder, checkpoints.inputs(model, 2, 7), "--static")
    loaded = agrees(archive, model, run, shapes=[(2, 7)])
    with pytest.raises(RuntimeError, match="must match the existing size \\(2\\) at non-singleton dimension 0"):
        loaded(*checkpoints.inputs(model, 3, 7).values())
    with pytest.raises(RuntimeError, match="must match the existing size \\(2\\) at non-singleton dimension 0"):
        loaded(*checkpoints.inputs(model, 1, 7).values())


def test_nothing_is_frozen_in_an_ordinary_trace(trace, tmp_path):
    """Neither the batch size nor the length of the example inputs is in the text."""
    model = checkpoints.make()
    archive = trace(checkpoints.save(model, tmp_path / "m"), checkpoints.inputs(model, 11, 29))
    for _, module in torch.jit.load(str(archive)).named_modules():
        if hasattr(module, "code"):
            assert not re.search(r"\b(11|29)\b", module.code)


def test_same_model_same_bytes(trace, tmp_path):
    model = checkpoints.make("BertForPreTraining")
    folder = checkpoints.save(model, tmp_path / "m")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = trace(folder, checkpoints.inputs(model, 1, 7), name="a/m.pt")
    two = trace(folder, checkpoints.inputs(model, 2, 5), name="b/m.pt")
    assert one.read_bytes() == two.read_bytes()
