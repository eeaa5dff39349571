"""Average precision at IoU 0.5 by all-point interpolation, with regions to ignore."""
import math

import cv2
import numpy as np
import torch

import render
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


def letterbox(image, width, height):
    """Top-left letterbox; returns the canvas and the scale."""
    scale = min(width / image.shape[1], height / image.shape[0])
    w, h = round(image.shape[1] * scale), round(image.shape[0] * scale)
    canvas = np.full((height, width, 3), round(render.PAD * 255), np.uint8)
    canvas[:h, :w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)
    return canvas, scale


@torch.no_grad()
def look(net, pictures, ids, side, device, batch=64):
    """What net finds in pictures, their longer side scaled to side: for each boxes [n,4] in its pixels and scores [n], before NMS."""
    found = []
    for start in range(0, len(ids), batch):
        part = ids[start:start + batch]
        scales = np.array([side / max(pictures.sizes[i]) for i in part], np.float32)
        tiles = np.zeros((len(part), 10), np.float32)
        tiles[:, render.PICTURE], tiles[:, render.CANVAS] = range(len(part)), range(len(part))
        tiles[:, render.X1] = tiles[:, render.Y1] = side
        tiles[:, render.SCALE_X] = tiles[:, render.SCALE_Y] = scales
        x = render.render(pictures.pool[part].to(device), torch.from_numpy(tiles).to(device), len(part), side)
        boxes, logits, _, _ = decode(net(x))
        for i, b, s, k in zip(part, boxes.cpu().numpy(), logits[..., 0].sigmoid().cpu().numpy(), scales):
            h, w = pictures.sizes[i]
            keep = s > .02
            found.append((np.clip(b[keep] / k, 0, [w, h, w, h]), s[keep]))
    return found


def highest(net, pictures, ids, side, device):
    """The highest score in each picture."""
    return np.array([scores.max(initial=0) for _, scores in look(net, pictures, ids, side, device)])


def prefer_mistaken(net, pictures, device):
    """Hard negatives: a picture without people is drawn the more often, the surer net is of someone in it."""
    ids = [i for i in range(len(pictures.names)) if pictures.is_empty(i)]
    pictures.weights[ids] = torch.from_numpy(.4 + 3 * highest(net, pictures, ids, 256, device)).double()


def validate(net, pictures, device, overlap=.6):
    """AP50 after NMS at IoU overlap, best F1 and its threshold by subfolder; `empty` is the score that 2 % of the pictures
    without people exceed."""
    found = []
    for boxes, scores in look(net, pictures, range(len(pictures.names)), 320, device):
        keep = nms(boxes, scores, overlap)
        found.append((boxes[keep], scores[keep]))
    out = {}
    for folder, ids in {"all": range(len(found)), **pictures.subfolders}.items():
        ids = [i for i in ids if not pictures.is_empty(i)]
        if ids:
            out[folder] = [round(v, 3) for v in ap50([found[i] for i in ids], [pictures.people[i] for i in ids], [pictures.ignore[i] for i in ids])]
    empty = [found[i][1].max(initial=0) for i in range(len(found)) if pictures.is_empty(i)]
    out["empty"] = round(float(np.quantile(empty, .98)), 3) if empty else 0
    return out
