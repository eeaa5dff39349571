"""Makes an INT8 or fp16 version of a model whose input is `images`, BGR 0 to 255.

Needs onnx, onnxruntime, ml_dtypes, OpenCV and NumPy. int8: static, in pairs of
QuantizeLinear and DequantizeLinear around the convolutions, weights by channel
and in seven bits, because sums of eight saturate where the processor has no VNNI,
ranges from calibration pictures. dynamic: weights alone. fp16: all but input and
output. The convolutions of the output layer stay as they are, and those of --floats.
"""
import argparse
import glob
import os
import random
import tempfile

import cv2
import numpy as np
import onnx
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from strip import strip


class Pictures(CalibrationDataReader):
    """Pictures with the longer side as given, padded at the right and below to the input's size or multiples of 32."""

    def __init__(self, files, side, fixed):
        self.files, self.side, self.fixed = iter(files), side, fixed

    def get_next(self):
        name = next(self.files, None)
        if name is None:
            return None
        img = cv2.imread(name)
        scale = self.side / max(img.shape[:2])
        h, w = (round(n * scale) for n in img.shape[:2])
        canvas = np.full((self.fixed[0] or -(-h // 32) * 32, self.fixed[1] or -(-w // 32) * 32, 3), 114, np.uint8)
        canvas[:h, :w] = cv2.resize(img, (w, h))
        return {"images": canvas.transpose(2, 0, 1)[None].astype(np.float32)}


def output_layer(graph):
    """Names of the convolutions after which there is no other."""
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def leads_on(node, seen):
        for name in node.output:
            for after in readers.get(name, []):
                if after.op_type == "Conv":
                    return True
                if after.name not in seen:
                    seen.add(after.name)
                    if leads_on(after, seen):
                        return True
        return False

    return [n.name for n in graph.node if n.op_type == "Conv" and not leads_on(n, set())]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True, help="ONNX file")
    p.add_argument("--out", required=True, help="file to write")
    p.add_argument("--kind", choices=["int8", "dynamic", "fp16"], default="int8")
    p.add_argument("--pictures", help="folder with JPEGs to calibrate on (int8); those of the validation split are passed over")
    p.add_argument("--count", type=int, default=200, help="pictures taken")
    p.add_argument("--side", type=int, default=320, help="longer side of the input")
    p.add_argument("--floats", nargs="*", default=[], help="parts of names of convolutions that stay floats (int8)")
    p.add_argument("--threshold", type=float, help="recommended score, where it is not the model's")
    a = p.parse_args()

    model = onnx.load(a.model)
    facts = {f.key: f.value for f in model.metadata_props}
    fixed = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][2:]  # 0 where free
    if model.opset_import[0].version < 13:  # scales by channel need it
        model = version_converter.convert_version(model, 13)
    with tempfile.TemporaryDirectory() as scratch:
        ready = os.path.join(scratch, "ready.onnx")
        onnx.save(model, ready)
        quant_pre_process(ready, ready, skip_symbolic_shape=True)
        graph = onnx.load(ready).graph
        skip = output_layer(graph) + [n.name for n in graph.node if n.op_type == "Conv" and any(f in n.name for f in a.floats)]
        if a.kind == "int8":
            files = sorted(glob.glob(os.path.join(a.pictures, "**", "*.jpg"), recursive=True))
            files = [f for f in files if not f.endswith("7.jpg")]
            random.Random(1).shuffle(files)
            quantize_static(ready, a.out, Pictures(files[:a.count], a.side, fixed), per_channel=True, op_types_to_quantize=["Conv"],
                            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_exclude=skip,
                            reduce_range=True)
        elif a.kind == "dynamic":
            quantize_dynamic(ready, a.out, weight_type=QuantType.QUInt8, nodes_to_exclude=skip)
        else:
            onnx.save(convert_float_to_float16(model, keep_io_types=True), a.out)
    if a.threshold:
        facts["threshold"] = str(a.threshold)
    made = onnx.load(a.out)
    strip(made)
    onnx.checker.check_model(made)
    onnx.helper.set_model_props(made, facts)
    onnx.save(made, a.out)


if __name__ == "__main__":
    main()
