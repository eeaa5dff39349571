"""Checkpoint -> ONNX with the decoding inside and the facts a reader needs as metadata.

Needs torch (as the training) and, for the metadata, the package onnx.
"""
import argparse
import hashlib
import warnings

import torch

from model import STRIDES, Deployed, PersonNano


def export(net, path, opset=13):
    """Writes net (folded in place) as ONNX with free batch, height and width."""
    deployed = Deployed(net.float())
    names = dict(input_names=["images"], output_names=["boxes", "scores"], opset_version=opset, dynamo=False)
    axes = {"images": {0: "b", 2: "h", 3: "w"}, "boxes": {0: "b", 1: "n"}, "scores": {0: "b", 1: "n"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(deployed, torch.zeros(1, 3, 288, 384), path, dynamic_axes=axes, **names)
    return deployed


def describe(path, facts):
    """Adds metadata; apart from torch, because the two may live in different environments."""
    import onnx
    model = onnx.load(path)
    del model.metadata_props[:]
    for key, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--checkpoint", help="last.pt of train.py")
    p.add_argument("--out", required=True)
    p.add_argument("--side", type=int, default=320, help="recommended longer side of the input, pixels")
    p.add_argument("--threshold", type=float, default=0.40, help="recommended score")
    p.add_argument("--describe", action="store_true", help="only add the metadata to --out")
    a = p.parse_args()
    if not a.describe:
        c = torch.load(a.checkpoint, map_location="cpu")
        net = PersonNano()
        net.load_state_dict({k: v.float() for k, v in c["ema"].items()})
        deployed = export(net, a.out)
        x = torch.rand(1, 3, 256, 416) * 255
        with torch.no_grad():
            boxes, scores = deployed(x)
        print("images", c["images"], "boxes", tuple(boxes.shape), "scores", float(scores.max()))
        return
    describe(a.out, {
        "names": "{0: 'person'}", "stride": max(STRIDES), "decoder": "sightlog", "license": "Apache-2.0",
        "threshold": a.threshold, "side": a.side, "iou": 0.6,
    })
    print(hashlib.sha256(open(a.out, "rb").read()).hexdigest())


if __name__ == "__main__":
    main()
