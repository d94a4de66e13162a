"""Models and configurations against real Transformers: arguments, results, names, errors."""

import copy
import pickle

import numpy
import pytest
import torch
import transformers

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")
ours = calque.transformers

HEADS = [
    "BertModel", "BertForSequenceClassification", "BertForTokenClassification", "BertForQuestionAnswering", "BertForMaskedLM",
    "BertForNextSentencePrediction", "BertForPreTraining",
]  # fmt: skip


@pytest.fixture(scope="module")
def inputs():
    generator = torch.Generator().manual_seed(0)
    mask = torch.ones(2, 7, dtype=torch.int64)
    mask[1, 4:] = 0
    return {
        "input_ids": torch.randint(0, 1000, (2, 7), generator=generator),
        "attention_mask": mask,
        "token_type_ids": torch.randint(0, 2, (2, 7), generator=generator),
    }


@pytest.mark.parametrize("name", HEADS)
def test_heads(name, tmp_path, inputs):
    torch.manual_seed(1)
    labels = 2 if name == "BertForQuestionAnswering" else 3
    config = transformers.BertConfig(
        vocab_size=1000, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40, num_labels=labels
    )
    there = getattr(transformers, name)(config).eval()
    there.save_pretrained(tmp_path)
    here = getattr(ours, name).from_pretrained(tmp_path)
    expected, found = there(**inputs), here(**inputs)
    assert list(found) == list(expected.keys())
    for key in found:
        numpy.testing.assert_allclose(found[key].numpy(), expected[key].numpy(), rtol=1e-4, atol=1e-5)
        assert getattr(found, key) is found[key]
    assert found[0] is found.to_tuple()[0]
    as_tuple = here(*inputs.values(), return_dict=False)
    assert isinstance(as_tuple, tuple) and len(as_tuple) == len(found)
    assert sorted(here.state_dict()) == sorted(there.state_dict())
    assert here.num_parameters() == there.num_parameters()
    assert type(here).__name__ == name and here.config.num_labels == labels


def test_tuple_and_named_results(tiny, inputs):
    model = ours.AutoModel.from_pretrained(tiny)
    assert isinstance(model, ours.BertModel) and isinstance(model(**inputs), ours.ModelOutput)
    traced_flag = ours.BertModel.from_pretrained(tiny, torchscript=True)
    assert isinstance(traced_flag(**inputs), tuple)
    assert isinstance(traced_flag(**inputs, return_dict=True), ours.ModelOutput)
    there = transformers.AutoModel.from_pretrained(tiny, output_hidden_states=True, output_attentions=True)
    there.set_attn_implementation("eager")
    here = ours.AutoModel.from_pretrained(tiny, output_hidden_states=True, output_attentions=True)
    expected, found = there(**inputs), here(**inputs)
    assert list(found) == list(expected.keys())
    for key in ("hidden_states", "attentions"):
        for a, b in zip(found[key], expected[key], strict=True):
            numpy.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5)
    with pytest.raises(NotImplementedError, match="from_pretrained"):
        model(**inputs, output_attentions=True)
    with pytest.raises(AttributeError, match="last_hidden_state"):
        model(**inputs).logits  # noqa: B018


def test_auto_heads_and_warnings(tiny, inputs, caplog):
    model, info = ours.AutoModelForSequenceClassification.from_pretrained(
        tiny, num_labels=4, seed=1, output_loading_info=True
    )
    assert isinstance(model, ours.BertForSequenceClassification)
    assert model(**inputs).logits.shape == (2, 4)
    assert info["missing_keys"] == ["classifier.bias", "classifier.weight"]
    assert "newly initialized" in caplog.text
    assert isinstance(ours.AutoModelForMaskedLM.from_pretrained(tiny), ours.BertForMaskedLM)


def test_architectures_come_from_the_library():
    made = ours._architecture("BertForMaskedLM")
    assert made is ours.BertForMaskedLM
    with pytest.raises(ImportError):
        from calque.transformers import NoSuchModel  # noqa: F401
    with pytest.raises(AttributeError, match="supported are BertModel"):
        ours.NoSuchModel  # noqa: B018
    with pytest.raises(AttributeError):
        ours.nonsense  # noqa: B018
    table = calque._calque.architectures()
    assert table[0] == ("BertModel", "bert") and {name for name, _ in table} <= set(dir(ours))


def test_a_new_architecture_appears_by_itself(monkeypatch, tmp_path):
    """Rows that the C++ tables do not have yet: all names follow."""
    table = [*calque._calque.architectures(), ("FooModel", "foo"), ("FooForMaskedLM", "foo"), ("FooForNovelTask", "foo")]
    monkeypatch.setattr(calque._calque, "architectures", lambda: table)
    ours._architecture.cache_clear()
    assert {"FooModel", "FooForNovelTask", "FooConfig", "AutoModelForNovelTask"} <= set(dir(ours))
    assert issubclass(ours.FooForNovelTask, ours.PreTrainedModel) and ours.FooForNovelTask.__name__ == "FooForNovelTask"
    (tmp_path / "config.json").write_text('{"model_type": "foo", "width": 3}')
    config = ours.AutoConfig.from_pretrained(tmp_path)
    assert type(config) is ours.FooConfig and config.width == 3 and config.model_type == "foo"
    for make in (ours.AutoModel, ours.AutoModelForMaskedLM, ours.AutoModelForNovelTask):
        with pytest.raises(NotImplementedError, match='"Foo|"foo" is not supported'):
            make.from_pretrained(tmp_path)
    ours._architecture.cache_clear()


def test_configuration(tiny):
    config = ours.BertConfig.from_pretrained(tiny, num_labels=5, mine="x")
    there = transformers.BertConfig.from_pretrained(tiny, num_labels=5)
    for name in ("hidden_size", "vocab_size", "layer_norm_eps", "num_labels", "hidden_act", "id2label", "label2id", "model_type"):
        assert getattr(config, name) == getattr(there, name), name
    assert config.mine == "x" and config.to_dict()["hidden_size"] == 36 and "hidden_size" in repr(config)
    defaults, theirs = ours.BertConfig(), transformers.BertConfig()
    for name, value in defaults.to_dict().items():
        if hasattr(theirs, name) and name not in ("attn_implementation", "architectures"):
            assert getattr(theirs, name) == value, name
    labelled = ours.BertConfig(id2label={"0": "NO", "1": "YES", "2": "MAYBE"})
    assert labelled.num_labels == 3 and labelled.id2label[2] == "MAYBE" and labelled.label2id["YES"] == 1
    assert isinstance(ours.AutoConfig.from_pretrained(tiny), ours.BertConfig)


def test_configuration_of_an_unknown_type(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "new", "width": 3, "id2label": {"0": "A"}}')
    config = ours.AutoConfig.from_pretrained(tmp_path, depth=2)
    assert (config.model_type, config.width, config.depth, config.num_labels) == ("new", 3, 2, 1)
    with pytest.raises(NotImplementedError, match='model_type "new"'):
        ours.AutoModel.from_pretrained(tmp_path)


def test_random_models(inputs):
    config = ours.BertConfig(hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=40)
    model = ours.BertModel(config)
    assert model.training and not model.eval().training
    assert model.to("cpu") is model and model.device == "cpu" and model.dtype is calque.float32
    again = ours.BertModel(config, seed=0).eval()
    assert calque.equal(model(**inputs)[0], again(**inputs)[0])
    with pytest.raises(ValueError, match="hidden size"):
        ours.BertModel(ours.BertConfig(hidden_size=25, num_attention_heads=2))
    with pytest.raises(ValueError, match="needs one of type bert"):
        ours.BertModel(ours.PretrainedConfig(model_type="other"))
    with pytest.raises(TypeError, match="found dict"):
        ours.BertModel({})
    generic = ours.PretrainedConfig(model_type="bert", hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=40)
    again = ours.AutoModel.from_config(generic).eval()
    assert type(again) is ours.BertModel and calque.equal(model(**inputs)[0], again(**inputs)[0])
    head = ours.AutoModelForTokenClassification.from_config(ours.BertConfig(30522, 24, 1, 2, 40, num_labels=5))
    assert head.eval()(**inputs).logits.shape == (2, 7, 5)


def test_model_output():
    output = ours.ModelOutput(a=1, b=2)
    assert (output.a, output["b"], output[0], output[-1], output[:1], output.to_tuple()) == (1, 2, 1, 2, (1,), (1, 2))
    assert list(output) == ["a", "b"] and dict(**output) == {"a": 1, "b": 2} and "a" in output and len(output) == 2
    output.c = 3
    assert output["c"] == 3 and isinstance(copy.deepcopy(output), ours.ModelOutput)
    assert pickle.loads(pickle.dumps(ours.ModelOutput(x=calque.ones(2)))).x.tolist() == [1.0, 1.0]
    with pytest.raises(IndexError):
        output[5]  # noqa: B018
    with pytest.raises(KeyError):
        output["nonsense"]  # noqa: B018


def test_save_pretrained(tiny, inputs, tmp_path):
    model = ours.AutoModelForMaskedLM.from_pretrained(tiny)
    model.save_pretrained(tmp_path)
    there = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path)
    numpy.testing.assert_allclose(model(**inputs)[0].numpy(), there(**inputs)[0].numpy(), rtol=1e-4, atol=1e-5)
    again = ours.load_configured(tmp_path)
    assert type(again) is ours.BertForMaskedLM and calque.equal(again(**inputs)[0], model(**inputs)[0])
    labelled = ours.BertConfig.from_pretrained(tiny, id2label={0: "NO", 1: "YES", 2: "MAYBE"})
    labelled.save_pretrained(tmp_path / "config")
    config = transformers.AutoConfig.from_pretrained(tmp_path / "config")
    assert config.id2label == labelled.id2label and config.hidden_size == 36
    assert ours.BertConfig.from_dict(labelled.to_dict()).to_dict() == labelled.to_dict()
    assert copy.deepcopy(labelled).to_dict() == pickle.loads(pickle.dumps(labelled)).to_dict() == labelled.to_dict()


def test_mistakes(tiny, tmp_path):
    with pytest.raises(OSError, match="config.json"):
        ours.AutoModel.from_pretrained("bert-base-uncased")
    with pytest.raises(calque.LoadError):
        ours.BertConfig.from_pretrained(tmp_path)
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        ours.BertModel.from_pretrained(tiny, nonsense=1)
    model = ours.AutoModel.from_pretrained(tiny, local_files_only=True, torch_dtype="auto")
    with pytest.raises(TypeError, match="nonsense"):
        model(numpy.array([[1]]), nonsense=numpy.array([[1]]))
    with pytest.raises(ValueError, match="input_ids"):
        model()
    with pytest.raises(NotImplementedError, match="from_pretrained"):
        model.to(calque.float16)
    assert ours.AutoModel.from_pretrained(tiny, dtype=calque.float16).dtype is calque.float16


def test_trace_of_named_inputs_and_dict_outputs(tiny, inputs, tmp_path):
    model = ours.BertModel.from_pretrained(tiny)
    traced = calque.jit.trace(model, example_kwarg_inputs={"input_ids": numpy.array([[1, 2, 3]])}, strict=False)
    calque.jit.save(traced, tmp_path / "t.pt")
    found = torch.jit.load(tmp_path / "t.pt")(inputs["input_ids"])
    expected = transformers.BertModel.from_pretrained(tiny)(inputs["input_ids"])
    numpy.testing.assert_allclose(found["pooler_output"].numpy(), expected.pooler_output.numpy(), rtol=1e-4, atol=1e-5)
