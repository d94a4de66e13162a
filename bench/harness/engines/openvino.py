"""OpenVINO at latency settings: float32, bfloat16 by its precision hint, int8 by NNCF's static quantisation."""

import numpy

CALIBRATION = 100


def convert(model):
    import openvino

    from .torch_models import example, source_module

    inputs = example(model)
    converted = openvino.convert_model(source_module(model), example_input=inputs)
    for port, name in zip(converted.inputs, inputs):
        port.get_tensor().set_names({name})
        port.get_node().set_partial_shape(openvino.PartialShape([-1, -1]))
    converted.validate_nodes_and_infer_types()
    return converted


def quantise(model, converted):
    """Static int8, calibrated with real sentences that no workload uses."""
    import nncf

    from ..workloads import real_sentences

    def arrays(ids):
        ids = numpy.array([ids], numpy.int64) % model.vocabulary
        every = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
        return {name: every[name] for name in model.arguments}

    data = nncf.Dataset([arrays(ids) for ids in real_sentences()[-CALIBRATION:]])
    return nncf.quantize(converted, data, model_type=nncf.ModelType.TRANSFORMER, subset_size=CALIBRATION)


def prepare(model, precision) -> None:
    import openvino

    path = model.folder / "openvino.xml"
    if precision == "f32" or not path.exists():
        openvino.save_model(convert(model), str(path), compress_to_fp16=False)
    if precision == "int8":
        quantised = quantise(model, openvino.Core().read_model(str(path)))
        openvino.save_model(quantised, str(model.folder / "openvino.int8.xml"), compress_to_fp16=False)


class Engine:
    def __init__(self, model, precision, threads):
        import openvino

        self.library, self.precision, self.threads = openvino, precision, threads
        self.path = model.folder / ("openvino.int8.xml" if precision == "int8" else "openvino.xml")

    def load(self) -> None:
        settings = {
            "INFERENCE_NUM_THREADS": self.threads,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
        }
        compiled = self.library.Core().compile_model(str(self.path), "CPU", settings)
        self.request = compiled.create_infer_request()

    def bind(self, arrays: dict[str, numpy.ndarray]):
        return lambda: self.request.infer(arrays, share_inputs=True, share_outputs=True)

    def array(self, result) -> numpy.ndarray:
        return numpy.array(result[0])
