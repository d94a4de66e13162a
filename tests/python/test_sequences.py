"""Lists of sequences of different lengths: each gives what it gives alone."""

import numpy
import pytest
import torch
import transformers

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

SIZES = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
LENGTHS = (5, 32, 1, 17, 32, 8, 2, 31)


class Bert(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = transformers.BertModel(transformers.BertConfig(**SIZES, attn_implementation="sdpa"))

    def forward(self, input_ids, attention_mask, token_type_ids):
        hidden, pooled = self.model(input_ids, attention_mask, token_type_ids, return_dict=False)[:2]
        return hidden, {"pooled": pooled, "first": hidden[:, :, 0]}, hidden.matmul(hidden.transpose(1, 2))


class NoMask(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(99, 8)

    def forward(self, ids):
        return self.embedding(ids).mean(1)


def texts(seed=0, lengths=LENGTHS):
    generator = torch.Generator().manual_seed(seed)
    ids = [torch.randint(3, 99, (length,), generator=generator).tolist() for length in lengths]
    types = [torch.randint(0, 2, (length,), generator=generator).tolist() for length in lengths]
    return ids, types


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    torch.manual_seed(0)
    model = Bert().eval()
    with torch.no_grad():
        example = torch.randint(3, 99, (2, 7)), torch.ones(2, 7).long(), torch.zeros(2, 7).long()
        trace = torch.jit.trace(model, example, strict=False)
    path = tmp_path_factory.mktemp("sequences") / "bert.pt"
    trace.save(str(path))
    return model, calque.jit.load(path)


def alone(model, ids, types):
    with torch.no_grad():
        hidden, named, scores = model(torch.tensor([ids]), torch.ones(1, len(ids)).long(), torch.tensor([types]))
    return hidden[0], named["pooled"][0], named["first"][0], scores[0]


def check(model, results, ids, types):
    assert len(results) == len(ids)
    for result, row, kinds in zip(results, ids, types, strict=True):
        hidden, named, scores = result
        found = hidden, named["pooled"], named["first"], scores
        for value, expected in zip(found, alone(model, row, kinds), strict=True):
            assert value.shape == tuple(expected.shape)
            numpy.testing.assert_allclose(value.numpy(), expected.numpy(), rtol=0, atol=2e-5)


@pytest.mark.parametrize("max_tokens", [16384, 64, 1])
def test_each_sequence_gives_what_it_gives_alone(bert, max_tokens):
    model, module = bert
    ids, types = texts()
    check(model, module.run_sequences(ids, types, max_tokens=max_tokens), ids, types)
    zeros = [[0] * len(row) for row in ids]
    check(model, module.run_sequences(ids, max_tokens=max_tokens), ids, zeros)


def test_padding_may_be_computed(bert):
    model, module = bert
    ids, types = texts(1)
    check(model, module.run_sequences(ids, types, options=calque.jit.RunOptions(), pad_id=1), ids, types)


def test_a_length_that_is_also_a_width(bert):
    """The hidden size is 32, as is the longest sequence: only dimensions that follow the length are cut."""
    model, module = bert
    ids, types = texts(2, (32, 3))
    check(model, module.run_sequences(ids, types), ids, types)


def test_arrays_and_one_sequence(bert):
    model, module = bert
    ids, types = texts(3, (9,))
    check(model, module.run_sequences([numpy.array(ids[0])], [torch.tensor(types[0])]), ids, types)
    assert module.run_sequences([]) == []


def test_without_a_mask_equal_lengths_share_a_call(tmp_path):
    torch.manual_seed(1)
    model = NoMask().eval()
    torch.jit.trace(model, torch.zeros(2, 3).long()).save(str(tmp_path / "m.pt"))
    module = calque.jit.load(tmp_path / "m.pt")
    ids, types = texts(4, (3, 5, 3, 1, 5))
    for found, row in zip(module.run_sequences(ids, ids_argument="ids"), ids, strict=True):
        with torch.no_grad():
            numpy.testing.assert_allclose(found.numpy(), model(torch.tensor([row]))[0].numpy(), atol=1e-6)
    with pytest.raises(ValueError, match="has no argument 'input_ids' for the token ids; it has: ids"):
        module.run_sequences(ids)
    with pytest.raises(ValueError, match="sequence 0 has token types, but the method 'forward' has no argument 'token_type_ids'"):
        module.run_sequences(ids, types, ids_argument="ids")


def test_wrong_sequences_are_errors(bert):
    _, module = bert
    with pytest.raises(ValueError, match="sequence 1 has no tokens"):
        module.run_sequences([[1], []])
    with pytest.raises(ValueError, match="sequence 0 has 2 token types, expected one for each of its 1 tokens"):
        module.run_sequences([[1]], [[0, 0]])
    with pytest.raises(ValueError, match="token_type_ids has 1 sequences, input_ids 2"):
        module.run_sequences([[1], [2]], [[0]])
    with pytest.raises(TypeError, match="input_ids holds a str, expected lists of whole numbers"):
        module.run_sequences(["text"])
    with pytest.raises(ValueError, match="max_tokens is 0, expected at least 1"):
        module.run_sequences([[1]], max_tokens=0)
    with pytest.raises(RuntimeError, match="Method 'nothing' is not defined"):
        module.run_sequences([[1]], method="nothing")
    with pytest.raises(calque.LimitError):
        module.run_sequences([[1] * 8], options=calque.jit.RunOptions(max_memory=10))


class Shared(torch.nn.Module):
    """A result without the batch's dimension, and one that no short sequence has."""

    def __init__(self):
        super().__init__()
        self.embedding, self.bias, self.layer = torch.nn.Embedding(99, 8), torch.nn.Parameter(torch.ones(8)), torch.nn.Conv1d(8, 8, 3)

    def forward(self, input_ids, attention_mask):
        hidden = self.embedding(input_ids) * attention_mask.unsqueeze(-1)
        return hidden, self.bias * 2, self.layer(hidden.transpose(1, 2)).sum(-1)


@pytest.mark.parametrize("lengths", [(4,) * 8, (4, 5, 4), (5, 4, 4, 4, 5, 4, 4, 4), (4,)], ids=str)
def test_results_of_any_shape(lengths, tmp_path):
    model = Shared()
    torch.jit.script(model).save(str(tmp_path / "m.pt"))
    ids, _ = texts(5, lengths)
    for sequence, (hidden, bias, _) in zip(ids, calque.jit.load(tmp_path / "m.pt").run_sequences(ids), strict=True):
        with torch.no_grad():
            expected = model(torch.tensor([sequence]), torch.ones(1, len(sequence)))
        assert tuple(bias.shape) == (8,)
        torch.testing.assert_close(torch.from_numpy(hidden.numpy().copy()), expected[0][0])
