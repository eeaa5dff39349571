"""Average precision at IoU 0.5 by all-point interpolation, with regions to ignore."""
import math

import numpy as np
import torch

from data import letterbox
from model import decode


def iou(a, b):
    lt = np.maximum(a[:, None, :2], b[None, :, :2])
    rb = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = (rb - lt).clip(0).prod(-1)
    area = lambda x: (x[:, 2:] - x[:, :2]).prod(-1)
    return inter / (area(a)[:, None] + area(b)[None] - inter + 1e-9)


def nms(boxes, scores, threshold=.6, limit=100):
    order, keep = scores.argsort()[::-1], []
    while len(order) and len(keep) < limit:
        i = order[0]
        keep.append(i)
        order = order[1:][iou(boxes[i:i + 1], boxes[order[1:]])[0] <= threshold]
    return np.array(keep, int)


def ap50(detections, people, ignore):
    """detections: per image (boxes [n,4], scores [n]); people, ignore: per image boxes."""
    scores, hits, total = [], [], 0
    for (boxes, s), gt, ign in zip(detections, people, ignore):
        total += len(gt)
        taken = np.zeros(len(gt), bool)
        for i in s.argsort()[::-1]:
            overlap = iou(boxes[i:i + 1], gt)[0] if len(gt) else np.zeros(0)
            overlap = np.where(taken, -1, overlap)
            j = overlap.argmax() if len(overlap) else -1
            if j >= 0 and overlap[j] >= .5:
                taken[j] = True
                hits.append(1)
            elif len(ign) and (iou(boxes[i:i + 1], ign)[0].max() >= .5):
                continue
            else:
                hits.append(0)
            scores.append(s[i])
    if not total or not scores:
        return 0., 0., 0.
    order = np.argsort(scores)[::-1]
    hits = np.array(hits)[order]
    tp = hits.cumsum()
    recall, precision = tp / total, tp / np.arange(1, len(tp) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    ap = float((np.diff(np.concatenate(([0], recall))) * envelope).sum())
    f1 = 2 * precision * recall / (precision + recall + 1e-9)
    best = f1.argmax()
    return ap, float(f1[best]), float(np.array(scores)[order][best])


@torch.no_grad()
def look(net, image, side=320):
    """What net, in evaluation, finds in a BGR picture: boxes [n,4] in its pixels and scores [n] above .02, before NMS."""
    h, w = image.shape[:2]
    k = side / max(h, w)
    canvas, scale = letterbox(image, max(32, math.ceil(w * k / 32) * 32), max(32, math.ceil(h * k / 32) * 32))
    x = torch.from_numpy(canvas)[None].permute(0, 3, 1, 2).float().div_(255)
    boxes, logits, _, _ = decode(net(x))
    boxes, scores = boxes[0].numpy() / scale, logits[0, :, 0].sigmoid().numpy()
    keep = scores > .02
    boxes, scores = boxes[keep], scores[keep]
    boxes[:, [0, 2]], boxes[:, [1, 3]] = boxes[:, [0, 2]].clip(0, w), boxes[:, [1, 3]].clip(0, h)
    return boxes, scores


def validate(net, pictures):
    """AP50, best F1 and its threshold by subfolder; `empty` is the score that 2 % of the pictures without people exceed."""
    net.eval()
    found = []
    for image in pictures.pixels:
        boxes, scores = look(net, image)
        keep = nms(boxes, scores)
        found.append((boxes[keep], scores[keep]))
    out = {}
    for folder, ids in {"all": range(len(found)), **pictures.subfolders}.items():
        ids = [i for i in ids if not pictures.is_empty(i)]
        if ids:
            out[folder] = [round(v, 3) for v in ap50([found[i] for i in ids], [pictures.people[i] for i in ids], [pictures.ignore[i] for i in ids])]
    highest = [found[i][1].max(initial=0) for i in range(len(found)) if pictures.is_empty(i)]
    out["empty"] = round(float(np.quantile(highest, .98)), 3) if highest else 0
    return out
