"""What a model's scores mean on the validation split, and the thresholds that follow from it.

Prints the share of detections that are right by score, the calibration that makes a score of 0.5 right half of the time,
precision, recall and false pictures by threshold, and the threshold that 2 % of the pictures without people exceed.
"""
import argparse
import os

import cv2
import numpy as np
import onnxruntime

from measure import iou, letterbox, nms
from to_coco import validation

STEPS = np.arange(.1, 1, .1)


def find(session, image, side):
    h, w = image.shape[:2]
    k = side / max(h, w)
    canvas, scale = letterbox(image, -(-round(w * k) // 32) * 32, -(-round(h * k) // 32) * 32)
    boxes, scores = session.run(None, {"images": canvas.transpose(2, 0, 1)[None].astype(np.float32)})
    boxes, scores = boxes[0] / scale, scores[0, :, 0]
    boxes, scores = boxes[scores > .02], scores[scores > .02]
    keep = nms(boxes, scores)
    return boxes[keep], scores[keep]


def judge(boxes, scores, label):
    """Score and right or wrong of each detection; those on regions to ignore are left out."""
    taken, out = np.zeros(len(label["people"]), bool), []
    for b, s in zip(boxes, scores):
        overlap = np.where(taken, -1, iou(b[None], label["people"])[0]) if len(taken) else np.zeros(0)
        if overlap.max(initial=0) >= .5:
            taken[overlap.argmax()] = True
            out.append((s, True))
        elif not len(label["ignore"]) or iou(b[None], label["ignore"])[0].max() < .5:
            out.append((s, False))
    return out


def platt(score, right, steps=50):
    """scale and shift of sigmoid(scale * logit + shift) with the least cross-entropy (Platt 1999), by Newton's method."""
    x = np.stack((np.log(score / (1 - score)), np.ones_like(score)), 1)
    w = np.array([1., 0.])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-x @ w))
        w -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x, x.T @ (p - right))
    return w


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True, help="ONNX file")
    p.add_argument("--shared", required=True, help="folder that holds people, people2, …")
    p.add_argument("--side", type=int, default=320, help="longer side of the input, pixels")
    p.add_argument("--human", action="store_true", help="only boxes by people")
    a = p.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(a.model, options)
    judged, people, empty = [], 0, []
    for name, label in validation(a.shared):
        boxes, scores = find(session, cv2.imread(os.path.join(a.shared, name)), a.side)
        if len(label["people"]) + len(label["ignore"]) == 0:
            empty.append(scores.max(initial=0))
        if label["human"] or not a.human:
            judged += judge(boxes, scores, label)
            people += len(label["people"])
    score, right = (np.array(v) for v in zip(*judged))
    for low in STEPS:
        these = (score >= low) & (score < low + .1)
        print(f"score {low:.1f} to {low + .1:.1f}: {these.sum():5d} detections, {right[these].mean() if these.any() else 0:.2f} right")
    seen = score > .05
    scale, shift = platt(score[seen].clip(1e-4, 1 - 1e-4), right[seen])
    print(f"calibration: export.py --scale {scale:.3f} --shift {shift:.3f}")
    empty = np.array(empty)
    for t in np.arange(.2, .9, .04):
        hit, all_ = right[score >= t].sum(), (score >= t).sum()
        precision, recall = hit / max(all_, 1), hit / people
        print(f"threshold {t:.2f}: precision {precision:.3f} recall {recall:.3f} F1 {2 * precision * recall / (precision + recall + 1e-9):.3f}"
              f" false on {(empty >= t).sum()} of {len(empty)}")
    print(f"2 % of the pictures without people exceed {np.quantile(empty, .98):.3f}")


if __name__ == "__main__":
    main()
