"""Task-aligned assignment (Feng et al. 2021, TOOD) and the loss: CIoU and binary cross-entropy
on soft targets."""
import math

import torch
from torch.nn import functional as F

ALPHA, BETA, TOPK = 0.5, 4.0, 10


def iou_matrix(a, b):
    """a [B,M,4], b [B,N,4] -> [B,M,N]."""
    def shared(low, high):
        return (torch.minimum(a[:, :, None, high], b[:, None, :, high]) - torch.maximum(a[:, :, None, low], b[:, None, :, low])).clamp_(min=0)

    inter = shared(0, 2) * shared(1, 3)
    area = lambda x: (x[..., 2:] - x[..., :2]).clamp(min=0).prod(-1)
    return inter / (area(a)[:, :, None] + area(b)[:, None, :] - inter + 1e-6)


def inside(centres, boxes, valid):
    """centres [N,2], boxes [B,M,4], valid [B,M] -> [B,M,N]: is the cell's centre in the box?"""
    x, y = centres[:, 0], centres[:, 1]
    x1, y1, x2, y2 = boxes[..., None].unbind(2)
    return (x > x1) & (x < x2) & (y > y1) & (y < y2) & valid[:, :, None]


@torch.no_grad()
def assign(boxes, scores, centres, strides, gt, valid, ignore, ignore_valid, topk=TOPK):
    """Which ground truth each of the N cells answers for; of a ground truth topk cells.

    Returns index [B,N] (-1 none), target score [B,N], weight of the score's loss [B,N] (0 in
    regions to ignore)."""
    B, M, N = gt.shape[0], gt.shape[1], boxes.shape[1]

    weight = 1 - (inside(centres, ignore, ignore_valid).any(1)).float()
    if M == 0:
        return torch.full((B, N), -1, device=weight.device), torch.zeros_like(weight), weight
    # A box smaller than a cell still gets the cells around its middle.
    middle = (gt[..., :2] + gt[..., 2:]) / 2
    near = ((centres[None, None] - middle[:, :, None]).abs().amax(-1) < .75 * strides[None, None, :, 0]) & valid[:, :, None]
    can = inside(centres, gt, valid) | near
    iou = iou_matrix(gt, boxes) * can
    metric = (scores[:, None, :, 0] ** ALPHA * iou ** BETA) * can
    top = metric.topk(min(topk, N), -1)
    chosen = torch.zeros_like(metric).scatter_(-1, top.indices, (top.values > 1e-12).float()).bool()
    # A ground truth nothing overlaps yet takes the cell nearest to its middle.
    none = ~chosen.any(-1) & valid
    if none.any():
        d = (centres[None, None] - middle[:, :, None]).pow(2).sum(-1) / strides[None, None, :, 0] ** 2
        best = d.masked_fill(~can, 1e9).argmin(-1)
        chosen |= torch.zeros_like(metric).scatter_(-1, best[..., None], 1.).bool() & none[..., None]
    iou = iou.masked_fill(~chosen, -1)
    best_iou, index = iou.max(1)
    positive = chosen.any(1)
    index = torch.where(positive, index, torch.full_like(index, -1))
    own = torch.zeros_like(metric).scatter_(1, index.clamp(min=0)[:, None], 1.) * positive[:, None]
    metric = metric * own
    peak = metric.amax(-1, keepdim=True)
    peak_iou = (iou.clamp(min=0) * own).amax(-1, keepdim=True)
    target = (metric / (peak + 1e-9) * peak_iou).amax(1)
    target = torch.where(positive & (target <= 0), torch.full_like(target, .05), target)
    weight = torch.where(positive, torch.ones_like(weight), weight)
    return index, target, weight


def ciou(a, b):
    """Zheng et al. 2020; a, b [K,4] -> [K]."""
    inter = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(-1)
    wa, ha, wb, hb = a[:, 2] - a[:, 0], a[:, 3] - a[:, 1], b[:, 2] - b[:, 0], b[:, 3] - b[:, 1]
    iou = inter / (wa * ha + wb * hb - inter + 1e-6)
    span = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    c2 = span.pow(2).sum(-1) + 1e-6
    d2 = ((a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) / 2).pow(2).sum(-1)
    v = 4 / math.pi ** 2 * (torch.atan(wb / (hb + 1e-6)) - torch.atan(wa / (ha + 1e-6))).pow(2)
    with torch.no_grad():
        alpha = v / (1 - iou + v + 1e-6)
    return iou - d2 / c2 - alpha * v


def loss(boxes, logits, centres, strides, gt, valid, ignore, ignore_valid, topk=TOPK):
    index, target, weight = assign(boxes.detach(), logits.detach().sigmoid(), centres, strides,
                                   gt, valid, ignore, ignore_valid, topk)
    total = target.sum().clamp(min=1)
    score = (F.binary_cross_entropy_with_logits(logits[..., 0], target, reduction="none") * weight).sum() / total
    b, n = (index >= 0).nonzero(as_tuple=True)
    if len(b) == 0:
        return score, score.detach(), torch.zeros_like(score)
    box = ((1 - ciou(boxes[b, n], gt[b, index[b, n]])) * target[b, n]).sum() / total
    return score + 5 * box, score.detach(), box.detach()
