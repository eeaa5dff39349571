"""Checkpoint -> ONNX with the decoding inside and the facts a reader needs as metadata."""
import argparse
import hashlib
import warnings

import numpy as np
import onnx
import torch

from model import SIZES, STRIDES, Deployed, Person
from strip import strip

# Of NMS. 0.6 has up to .007 more AP on the validation split, but two boxes on one person more often: on vtest.avi, every
# frame, 25 false boxes for 16 and IDF1 .813 for .870.
IOU = .45


def export(deployed, path, opset=13):
    """Writes the network as ONNX with free batch, height and width."""
    names = dict(input_names=["images"], output_names=["boxes", "scores"], opset_version=opset, dynamo=False)
    axes = {"images": {0: "b", 2: "h", 3: "w"}, "boxes": {0: "b", 1: "n"}, "scores": {0: "b", 1: "n"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(deployed, torch.zeros(1, 3, 288, 384), path, dynamic_axes=axes, **names)


def pack(path, bits, least=1024):
    """Stores large weights in 16 bits, or those of convolutions in 8 by output channel. They are made f32 when the model is
    loaded: half or a quarter of the file, the same speed."""
    model = onnx.load(path)
    for i, weights in enumerate(model.graph.initializer):
        values, name = onnx.numpy_helper.to_array(weights), weights.name
        if values.dtype != np.float32 or values.size < least:
            continue
        if bits == 8 and values.ndim == 4:
            scale = np.abs(values).max(axis=(1, 2, 3), keepdims=True).clip(1e-12) / 127
            stored = np.rint(values / scale).astype(np.int8)
            model.graph.initializer.append(onnx.numpy_helper.from_array(scale, name + ".scale"))
            model.graph.node.insert(0, onnx.helper.make_node("Mul", [name + ".wide", name + ".scale"], [name]))
        else:
            stored = values.astype(np.float16)
        wide = name + ".wide" if stored.dtype == np.int8 else name
        model.graph.initializer[i].CopyFrom(onnx.numpy_helper.from_array(stored, name + ".stored"))
        model.graph.node.insert(0, onnx.helper.make_node("Cast", [name + ".stored"], [wide], to=onnx.TensorProto.FLOAT))
    strip(model)
    onnx.save(model, path)


def describe(path, facts):
    """Adds the metadata."""
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {k: str(v) for k, v in facts.items()})
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--checkpoint", required=True, help="last.pt of train.py")
    p.add_argument("--out", required=True, help="ONNX file to write")
    p.add_argument("--scale", type=float, default=1, help="of the logits, from calibrate.py")
    p.add_argument("--shift", type=float, default=0, help="of the scaled logits, from calibrate.py")
    p.add_argument("--side", type=int, default=320, help="recommended longer side of the input, pixels")
    p.add_argument("--threshold", type=float, required=True, help="recommended score")
    p.add_argument("--bits", type=int, choices=[8, 16, 32], default=32, help="of a stored weight")
    a = p.parse_args()
    c = torch.load(a.checkpoint, map_location="cpu")
    net = Person(**SIZES[c.get("size", "nano")])
    net.load_state_dict({k: v.float() for k, v in c["ema"].items()})
    export(Deployed(net, a.scale, a.shift), a.out)
    if a.bits < 32:
        pack(a.out, a.bits)
    describe(a.out, {
        "names": "{0: 'person'}", "stride": max(STRIDES), "decoder": "sightlog", "license": "Apache-2.0",
        "threshold": a.threshold, "side": a.side, "iou": IOU,
    })
    print(c["images"], "pictures seen, sha256", hashlib.sha256(open(a.out, "rb").read()).hexdigest())


if __name__ == "__main__":
    main()
