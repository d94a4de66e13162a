"""config.json: the line Cfg. It holds numbers and names of what is built in, never code; its sizes are capped."""

import copy
import json

import pytest

from hostile_checkpoints import CONFIG

EVIL = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\nclass Evil: pass\n"


@pytest.mark.parametrize(
    "more",
    [
        {"auto_map": {"AutoModel": "modeling_evil.Evil", "AutoConfig": "modeling_evil.Evil"}},
        {"auto_map": {"AutoModel": "modeling_evil.Evil"}, "trust_remote_code": True},
        {"trust_remote_code": True, "custom_pipelines": {"x": {"impl": "modeling_evil.Evil"}}},
        {"text_config": {"auto_map": {"AutoModel": "modeling_evil.Evil"}, "trust_remote_code": True, "model_type": "evil"}},
        {"_name_or_path": "../evil", "config_class": "modeling_evil.Evil", "quantization_config": {"modules": "modeling_evil"}},
        {"attn_implementation": "evil/kernels", "_attn_implementation": "evil/kernels", "use_kernels": True},
        {"transformers.module": "modeling_evil", "model_class": "modeling_evil.Evil", "lambda": "x: __import__('os')"},
    ],
)
def test_cfg_never_turns_code_on(exports, tmp_path, more):
    """Ignored, at the top and inside another configuration: there is nothing here that could be turned on."""
    done = exports({"config.json": CONFIG | more, "modeling_evil.py": EVIL.encode(), "configuration_evil.py": EVIL.encode()})()
    assert done.code in (0, 1), done.error
    assert not (tmp_path / "checkpoint/ran").exists()
    if not any("attn" in key for key in more):
        assert done.code == 0, done.error


@pytest.mark.parametrize("value", ["modeling_evil.Evil", "../Evil", "os.system", "BertModel; import os", "", "bert\0model", "A" * 1_000_000], ids=lambda v: v[:20])
def test_cfg_names_are_those_of_a_table(export_refused, value):
    export_refused({"config.json": CONFIG | {"architectures": [value]}}, "")
    export_refused({"config.json": {k: v for k, v in CONFIG.items() if k != "architectures"} | {"model_type": value}}, "")
    if value:
        export_refused({"config.json": CONFIG | {"hidden_act": value}}, "")
        export_refused({"config.json": CONFIG | {"position_embedding_type": value}}, "")


SIZES = ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings", "type_vocab_size"]


@pytest.mark.parametrize("value", [-1, -(2**63), 2**31, 2**62, 2**63 - 1, 2**64, 10**40, 1.5, 1e300, "8", None, [], {}, True], ids=repr)
@pytest.mark.parametrize("key", SIZES)
def test_cfg_sizes_are_capped(export_refused, exports, key, value):
    """Before anything is allocated, and before one is multiplied by another."""
    if value is None:
        done = exports({"config.json": CONFIG | {key: value}})()
        assert done.code in (0, 1)
        return
    export_refused({"config.json": CONFIG | {key: value}}, "", megabytes=60)


@pytest.mark.parametrize(
    "sizes",
    [
        {"vocab_size": 2**26}, {"hidden_size": 2**20}, {"num_hidden_layers": 1024, "hidden_size": 2**18}, {"intermediate_size": 2**20},
        {"vocab_size": 2**26, "hidden_size": 2**20, "intermediate_size": 2**20, "num_hidden_layers": 1024, "max_position_embeddings": 2**26},
        {"num_labels": 2**20, "architectures": ["BertForSequenceClassification"], "hidden_size": 2**19}, {"max_position_embeddings": 2**26},
    ],
)  # fmt: skip
def test_cfg_sizes_that_the_weights_do_not_have(export_refused, sizes):
    """Within the caps one by one; a checkpoint of a few kilobytes makes nobody allocate their product."""
    export_refused({"config.json": CONFIG | sizes}, "", megabytes=120)


def test_cfg_many_labels(exports):
    labels = {str(i): f"LABEL_{i}" for i in range(200_000)}
    done = exports({"config.json": CONFIG | {"id2label": labels, "architectures": ["BertForSequenceClassification"]}})(megabytes=400)
    assert done.code in (0, 1)


@pytest.mark.parametrize("content", [b"", b"\0", b"[]", b"null", b"{", b"{}", b'{"model_type": "bert"', b"\xff\xfe{\0}\0", b'{"a":' * 100_000, b"[" * 1_000_000, b'{"model_type": 7}',
                                     b'{"model_type": "bert", "architectures": "BertModel"}', b'{"model_type": "bert", "architectures": [7]}', b"NaN"], ids=lambda c: repr(c[:24]))  # fmt: skip
def test_cfg_bad_json(export_refused, content):
    export_refused({"config.json": content}, "config.json")


def test_cfg_duplicate_keys(exports):
    """The last one counts, as in Python, for every reader of the file alike."""
    text = json.dumps(CONFIG)[:-1] + ', "hidden_size": 8, "vocab_size": 30}'
    assert exports({"config.json": text.encode()})().code == 0
    text = json.dumps(CONFIG)[:-1] + ', "hidden_size": 1099511627776}'
    assert exports({"config.json": text.encode()})().code == 1


@pytest.mark.parametrize("key", ["layer_norm_eps", "initializer_range", "hidden_dropout_prob", "attention_probs_dropout_prob"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "-1", "1e999", '"x"', "[]"])
def test_cfg_bad_numbers(export_refused, key, value):
    text = json.dumps(copy.deepcopy(CONFIG) | {key: 0.123}).replace("0.123", value)
    export_refused({"config.json": text.encode()}, "")
