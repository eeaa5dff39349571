"""Average precision at IoU 0.5 by all-point interpolation, with regions to ignore."""
import numpy as np


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
