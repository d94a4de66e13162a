"""Loading: spellings of names, the report, and directories that are broken or hostile."""

import json
import logging
import re
import shutil

import checkpoints
import pytest
import safetensors.torch
import torch
import transformers


def tensors_of(folder) -> dict:
    return safetensors.torch.load_file(folder / "model.safetensors")


def rewrite(folder, change):
    safetensors.torch.save_file(change(tensors_of(folder)), folder / "model.safetensors", metadata={"format": "pt"})


class Warnings(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def theirs(cls, folder, **options):
    """Transformers' model, loading report and warnings."""
    logger = logging.getLogger("transformers.modeling_utils")
    handler = Warnings()
    logger.addHandler(handler)
    try:
        model, info = getattr(transformers, cls).from_pretrained(
            folder, output_loading_info=True, attn_implementation="eager", **options
        )
    finally:
        logger.removeHandler(handler)
    return model.eval(), info, handler.texts


def same_report(tool, cls, folder, *options, **keywords):
    ours = tool.info(folder, f"--class={cls}", *options)
    model, info, warnings = theirs(cls, folder, **keywords)
    assert ours["missing"] == sorted(info["missing_keys"])
    assert ours["unexpected"] == sorted(info["unexpected_keys"])
    assert [entry[0] for entry in ours["mismatched"]] == sorted(
        entry if isinstance(entry, str) else entry[0] for entry in info["mismatched_keys"]
    )
    assert ours["warnings"] == warnings
    assert [entry[0] for entry in ours["state"]] == list(model.state_dict())
    return ours, model


@pytest.mark.parametrize("saved", checkpoints.HEADS)
@pytest.mark.parametrize("loaded", checkpoints.HEADS)
def test_every_class_from_every_checkpoint(tool, tmp_path, saved, loaded):
    """With and without the prefix `bert.`, with and without pooler and heads."""
    folder = checkpoints.save(checkpoints.make(saved), tmp_path / "m")
    same_report(tool, loaded, folder)


def test_values_with_and_without_prefix(run, tmp_path):
    for cls in ("BertModel", "BertForMaskedLM"):
        folder = checkpoints.save(checkpoints.make("BertForPreTraining"), tmp_path / cls)
        model, _, _ = theirs(cls, folder)
        given = checkpoints.inputs(model, 2, 5)
        ours = run("forward", folder, given, f"--class={cls}")
        assert checkpoints.difference(ours, checkpoints.expected(model, given)) <= 1e-5
    bare = checkpoints.save(checkpoints.make("BertModel"), tmp_path / "bare")
    given = checkpoints.inputs(model, 2, 5)
    ours = run("forward", bare, given, "--class=BertForQuestionAnswering", "--hidden-states")
    plain = run("forward", bare, given, "--hidden-states")
    assert torch.equal(ours[2], plain[2])
    assert torch.equal(ours[-1], plain[-1])


@pytest.mark.parametrize("cls", ["BertModel", "BertForMaskedLM"])
def test_gamma_and_beta(tool, run, tmp_path, cls):
    model = checkpoints.make(cls)
    folder = checkpoints.save(model, tmp_path / "m")
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

    def rename(tensors):
        renamed = {}
        for name, value in tensors.items():
            for modern, early in old.items():
                name = name.replace(modern, early)
            renamed[name] = value
        return renamed

    rewrite(folder, rename)
    same_report(tool, cls, folder)
    given = checkpoints.inputs(model, 2, 5)
    ours = run("forward", folder, given, f"--class={cls}")
    assert checkpoints.difference(ours, checkpoints.expected(model, given)) <= 1e-5


def test_missing_and_unexpected(tool, tmp_path):
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m")

    def change(tensors):
        del tensors["encoder.layer.1.output.dense.bias"]
        del tensors["pooler.dense.weight"]
        tensors["encoder.layer.9.output.dense.bias"] = torch.zeros(3)
        tensors["embeddings.position_ids"] = torch.arange(32).unsqueeze(0)
        tensors["somewhere.else"] = torch.zeros(2)
        return tensors

    rewrite(folder, change)
    ours, _ = same_report(tool, "BertModel", folder)
    assert ours["missing"] == ["encoder.layer.1.output.dense.bias", "pooler.dense.weight"]
    assert ours["unexpected"] == ["encoder.layer.9.output.dense.bias", "somewhere.else"]
    assert len(ours["warnings"]) == 2


def test_mismatched(tool, tmp_path):
    folder = checkpoints.save(checkpoints.make("BertForSequenceClassification", num_labels=5), tmp_path / "m")
    with pytest.raises(RuntimeError) as error:
        theirs("BertForSequenceClassification", folder, num_labels=3)
    with pytest.raises(Exception, match="RuntimeError") as ours:
        tool.info(folder, "--num-labels=3")
    # Transformers names the layer, we name the weight.
    for words in re.findall("copying a param .*", str(error.value)):
        assert f"size mismatch for classifier.bias: {words}" in ours.value.message
    assert "size mismatch for classifier.weight: copying a param with shape torch.Size([5, 24])" in ours.value.message
    same_report(
        tool,
        "BertForSequenceClassification",
        folder,
        "--num-labels=3",
        "--ignore-mismatched",
        num_labels=3,
        ignore_mismatched_sizes=True,
    )


def test_tied_and_untied_decoder(tool, run, tmp_path):
    for tie in (True, False):
        model = checkpoints.make("BertForMaskedLM", tie_word_embeddings=tie)
        folder = checkpoints.save(model, tmp_path / str(tie))
        same_report(tool, "BertForMaskedLM", folder)
        given = checkpoints.inputs(model, 2, 5)
        assert checkpoints.difference(run("forward", folder, given), checkpoints.expected(model, given)) <= 1e-5


def test_shards(tool, run, tmp_path):
    model = checkpoints.make()
    folder = checkpoints.save(model, tmp_path / "m", max_shard_size="10KB")
    assert (folder / "model.safetensors.index.json").exists()
    same_report(tool, "BertModel", folder)
    given = checkpoints.inputs(model, 2, 5)
    assert checkpoints.difference(run("forward", folder, given), checkpoints.expected(model, given)) <= 1e-5


def test_class_by_config(tool, tmp_path):
    folder = checkpoints.save(checkpoints.make("BertForMaskedLM"), tmp_path / "m")
    assert tool.info(folder)["class"] == "BertForMaskedLM"
    assert tool.info(folder, "--auto")["class"] == "BertModel"


def edit_config(folder, **changes):
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in config.items() if value != "absent"}))


def test_names_of_the_first_releases(tool, tmp_path):
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m")
    edit_config(folder, vocab_size="absent", vocab_size_or_config_json_file=97, architectures=None)
    assert tool.info(folder)["missing"] == []
    # Where both stand, newer releases wrote vocab_size.
    edit_config(folder, vocab_size=97, vocab_size_or_config_json_file=32000)
    assert tool.info(folder)["missing"] == []


BAD_CONFIGS = {
    "heads": ({"num_attention_heads": 5}, "ValueError", "is not a multiple of the number of attention heads (5)"),
    "no heads": ({"num_attention_heads": 0}, "ValueError", "num_attention_heads is 0"),
    "negative": ({"hidden_size": -24}, "ValueError", "hidden_size is -24"),
    "huge": ({"vocab_size": 2**62}, "ValueError", "vocab_size is"),
    "layers": ({"num_hidden_layers": 10**9}, "ValueError", "num_hidden_layers is"),
    "words": ({"hidden_size": "24"}, "LoadError", "hidden_size"),
    "fraction": ({"hidden_size": 24.5}, "LoadError", "hidden_size"),
    "list": ({"hidden_act": ["gelu"]}, "LoadError", "hidden_act"),
    "act": ({"hidden_act": "swoosh"}, "NotImplementedError", 'hidden_act "swoosh" is not supported'),
    "prelu": ({"hidden_act": "prelu"}, "NotImplementedError", 'hidden_act "prelu" is not supported'),
    "positions": ({"position_embedding_type": "rotary"}, "NotImplementedError", "position_embedding_type"),
    "decoder": ({"is_decoder": True}, "NotImplementedError", "is_decoder"),
    "pruned": ({"pruned_heads": {"0": [1]}}, "NotImplementedError", "pruned_heads"),
    "dropout": ({"hidden_dropout_prob": 1.5}, "ValueError", "dropout probability has to be between 0 and 1"),
    "eps": ({"layer_norm_eps": -1}, "ValueError", "layer_norm_eps is -1"),
    "padding": ({"pad_token_id": 97}, "ValueError", "pad_token_id is 97"),
    "architecture": ({"architectures": ["GPT2Model"]}, "NotImplementedError", 'architecture "GPT2Model"'),
    "type": ({"architectures": "absent", "model_type": "gpt2"}, "NotImplementedError", 'model_type "gpt2"'),
    "no type": ({"architectures": "absent", "model_type": "absent"}, "LoadError", '"model_type" is missing'),
    "other type": ({"model_type": "roberta"}, "ValueError", 'this is a model of type "roberta"'),
    "much missing": ({"vocab_size": 2**26, "hidden_size": 3 * 2**18}, "RuntimeError", "size mismatch for"),
    "many layers": (
        {"num_hidden_layers": 1000, "intermediate_size": 2**20},
        "RuntimeError",
        "size mismatch for",
    ),
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
def test_bad_configurations(tool, tmp_path, case):
    changes, kind, words = BAD_CONFIGS[case]
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m")
    edit_config(folder, **changes)
    with pytest.raises(Exception, match=kind) as error:
        tool.info(folder)
    assert error.value.kind == kind
    assert words in error.value.message


def test_absurd_sizes_are_not_initialised(tool, tmp_path):
    """A few bytes of weights and a configuration of terabytes."""
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m")
    edit_config(folder, num_hidden_layers=1024, intermediate_size=2**20, hidden_size=2**19, num_attention_heads=1)
    rewrite(folder, lambda tensors: {"nothing": torch.zeros(1)})
    with pytest.raises(Exception, match="LoadError") as error:
        tool.info(folder)
    assert "the checkpoint lacks more than" in error.value.message


def test_broken_json(tool, tmp_path):
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m")
    text = (folder / "config.json").read_bytes()
    for broken in (b"", b"[]", b"{", text[: len(text) // 2], b"\x00" * 40, text + b"}", b'"' + text, b"[" * 100_000):
        (folder / "config.json").write_bytes(broken)
        with pytest.raises(Exception, match="LoadError") as error:
            tool.info(folder)
        assert error.value.kind == "LoadError"
        assert "config.json" in error.value.message


def test_nothing_there(tool, tmp_path):
    with pytest.raises(Exception, match="config.json") as error:
        tool.info(tmp_path / "absent")
    assert error.value.kind == "LoadError"
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m")
    (folder / "model.safetensors").unlink()
    with pytest.raises(Exception, match="Error no file named model.safetensors found in directory"):
        tool.info(folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02.")
    with pytest.raises(Exception, match="save_pretrained") as error:
        tool.info(folder)
    assert error.value.kind == "NotImplementedError"


@pytest.mark.parametrize("shard", ["../m.safetensors", "/etc/passwd", "a/b", "..", "", "m\u0000", 7, None])
def test_shards_stay_in_their_folder(tool, tmp_path, shard):
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m")
    shutil.move(folder / "model.safetensors", tmp_path / "m.safetensors")
    index = {"metadata": {}, "weight_map": {"pooler.dense.bias": shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(Exception, match="model.safetensors.index.json") as error:
        tool.info(folder)
    assert error.value.kind == "LoadError"


def test_index_that_lies(tool, tmp_path):
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m", max_shard_size="10KB")
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["not.there"] = next(iter(index["weight_map"].values()))
    path.write_text(json.dumps(index))
    with pytest.raises(Exception, match='weight "not.there" is not in') as error:
        tool.info(folder)
    assert error.value.kind == "LoadError"


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool])
def test_weights_that_are_no_floats(tool, tmp_path, dtype):
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m")
    rewrite(folder, lambda tensors: {name: value.to(dtype) for name, value in tensors.items()})
    with pytest.raises(Exception, match="weights may be F32, F64, F16 or BF16"):
        tool.info(folder)


def test_truncated_weights(tool, tmp_path):
    folder = checkpoints.save(checkpoints.make(), tmp_path / "m")
    whole = (folder / "model.safetensors").read_bytes()
    for i in range(40):
        (folder / "model.safetensors").write_bytes(whole[: len(whole) * i // 40])
        with pytest.raises(Exception, match="LoadError") as error:
            tool.info(folder)
        assert error.value.kind == "LoadError"
