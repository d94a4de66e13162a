"""ONNX Runtime: exported by PyTorch, fused by ONNX Runtime's optimizer for BERT; int8 is its dynamic quantisation."""

import json

import numpy


def export(model, path) -> None:
    import torch

    from .torch_models import example, source_module

    inputs = example(model)
    module = source_module(model, **({"attn_implementation": "eager"} if model.checkpoint else {}))
    axes = {name: {0: "batch", 1: "length"} for name in (*inputs, "hidden")}
    torch.onnx.export(
        module,
        tuple(inputs.values()),
        str(path),
        input_names=list(inputs),
        output_names=["hidden"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def fuse(model, source, target) -> None:
    from onnxruntime.transformers import optimizer

    if model.checkpoint:
        config = json.loads((model.checkpoint / "config.json").read_text())
        heads, hidden = config.get("num_attention_heads", 0), config.get("hidden_size", 0)
    else:
        heads = hidden = 0
    fused = optimizer.optimize_model(str(source), model_type="bert", num_heads=heads, hidden_size=hidden)
    fused.save_model_to_file(str(target))


def prepare(model, precision) -> None:
    plain, fused = model.folder / "plain.onnx", model.folder / "model.onnx"
    if precision == "f32":
        export(model, plain)
        fuse(model, plain, fused)
        return
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if not fused.exists():
        prepare(model, "f32")
    quantize_dynamic(
        str(fused),
        str(model.folder / "model.int8.onnx"),
        per_channel=True,
        weight_type=QuantType.QInt8,
        # Shapes cannot be inferred behind the fused operators, which are ONNX Runtime's own.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


class Engine:
    def __init__(self, model, precision, threads):
        import onnxruntime

        self.library = onnxruntime
        self.path = model.folder / ("model.onnx" if precision == "f32" else "model.int8.onnx")
        self.threads = threads

    def load(self) -> None:
        options = self.library.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        self.session = self.library.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
        self.first = self.session.get_outputs()[0].name
        self.names = {entry.name for entry in self.session.get_inputs()}

    def bind(self, arrays: dict[str, numpy.ndarray]):
        inputs = {name: array for name, array in arrays.items() if name in self.names}
        return lambda: self.session.run(None, inputs)

    def array(self, result) -> numpy.ndarray:
        return result[0]
