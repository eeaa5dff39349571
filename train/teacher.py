"""YOLOX-nano as a teacher during training: its features and its dense answers, for the same canvas as the student's.

Only what the student learns from is kept: the teacher is not part of the student.
"""
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F

from loss import ciou, inside
from model import STRIDES

FEATURES, CLASSES = 64, 80
OUTPUTS = [f"/head/stems.{i}/act/Mul_output_0" for i in range(3)] + [f"/head/Concat{s}_output_0" for s in ("", "_1", "_2")]


class Teacher(nn.Module):
    """The network of yolox_nano.onnx before its last reshape, run node by node.

    forward: f32 [b,3,h,w], BGR 0..255, h and w multiples of 32 -> for each of the strides 8, 16, 32 the head's 64 features, then
    for each its 85 answers (box, objectness, 80 classes; all but the box after the sigmoid)."""

    def __init__(self, path):
        super().__init__()
        graph = onnx.load(path).graph
        needed, self.nodes = set(OUTPUTS), []
        for node in reversed(graph.node):
            if needed & set(node.output):
                facts = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
                self.nodes.insert(0, (node.op_type, list(node.input), node.output[0], facts))
                needed |= set(node.input)
        self.constants = {}  # indices and scales, which steer the run
        for op, _, output, facts in self.nodes:
            if op == "Constant":
                self.constants[output] = numpy_helper.to_array(facts["value"])
        self.names = [i.name for i in graph.initializer if i.name in needed]
        for k, name in enumerate(self.names):
            values = {i.name: i for i in graph.initializer}[name]
            self.register_buffer(f"weight{k}", torch.tensor(numpy_helper.to_array(values)))

    @torch.no_grad()
    def forward(self, images):
        at = {"images": images, **self.constants, **{name: getattr(self, f"weight{k}") for k, name in enumerate(self.names)}}
        for op, inputs, output, facts in self.nodes:
            if op != "Constant":
                at[output] = self.run(op, [at[i] if i else None for i in inputs], facts)
        return [at[o].float() for o in OUTPUTS]

    @staticmethod
    def run(op, x, facts):
        if op == "Conv":
            return F.conv2d(x[0], x[1], x[2], facts["strides"], facts["pads"][:2], groups=facts["group"])
        if op == "Sigmoid":
            return x[0].sigmoid()
        if op == "Mul":
            return x[0] * x[1]
        if op == "Add":
            return x[0] + x[1]
        if op == "Concat":
            return torch.cat(x, facts["axis"])
        if op == "MaxPool":
            return F.max_pool2d(x[0], facts["kernel_shape"], facts["strides"], facts["pads"][:2])
        if op == "Resize":
            return F.interpolate(x[0], scale_factor=float(x[2][-1]))
        if op == "Slice":
            cut = [slice(None)] * x[0].dim()
            for start, end, axis, step in zip(*(v.tolist() for v in x[1:])):
                cut[axis] = slice(start, end, step)
            return x[0][tuple(cut)]
        raise ValueError(f"the teacher has a node {op}, which is not known here")


def dense(answers):
    """The 85 answers of each stride -> boxes [b,N,4] in input pixels and scores of a person [b,N], in the order of model.decode."""
    boxes, scores = [], []
    for a, s in zip(answers, STRIDES):
        h, w = a.shape[2:]
        ys, xs = torch.meshgrid(torch.arange(h, device=a.device), torch.arange(w, device=a.device), indexing="ij")
        middle = (a[:, :2] + torch.stack((xs, ys))) * s
        half = a[:, 2:4].clamp(max=8).exp() * s / 2
        boxes.append(torch.cat((middle - half, middle + half), 1).flatten(2))
        scores.append((a[:, 4] * a[:, 5]).flatten(1))
    return torch.cat(boxes, 2).transpose(1, 2), torch.cat(scores, 1)


class Imitation(nn.Module):
    """The student's neck imitates the teacher's features (PKD, Cao et al. 2022: mean 0 and deviation 1 a channel) and its
    classes through 1x1 convolutions that are not exported."""

    def __init__(self, net):
        super().__init__()
        self.adapt = nn.ModuleList(nn.Conv2d(net.head[0].conv.in_channels, FEATURES + CLASSES, 1) for _ in STRIDES)
        self.neck = {}
        for i, head in enumerate(net.head):
            head.register_forward_pre_hook(lambda _, x, i=i: self.neck.__setitem__(i, x[0]))

    def forward(self, answers):
        """answers of the teacher, of the student's last forward pass -> the losses of features and of classes."""
        features = classes = 0
        for i, adapt in enumerate(self.adapt):
            mine, target = adapt(self.neck[i].float()), answers[3 + i][:, 4:5] * answers[3 + i][:, 5:]
            features = features + F.mse_loss(normal(mine[:, :FEATURES]), normal(answers[i])) / len(STRIDES)
            error = F.binary_cross_entropy_with_logits(mine[:, FEATURES:], target, reduction="sum")
            classes = classes + error / (target.sum() + 8) / len(STRIDES)
        return features, classes


def normal(x):
    return (x - x.mean((0, 2, 3), keepdim=True)) / (x.std((0, 2, 3), keepdim=True) + 1e-5)


def dense_loss(boxes, logits, centres, answers, gt, valid, ignore, ignore_valid):
    """Scores: the teacher's opinion where the labels have none (regions to ignore) and, inside of people, where it sees one.
    Boxes: the teacher's, inside of people, by its score. A cell outside of both stays background, whatever the teacher says."""
    their_boxes, their_scores = dense(answers[3:])
    people = inside(centres, gt, valid).any(1)
    unsure = inside(centres, ignore, ignore_valid).any(1) & ~people
    seen = people & (their_scores > .25)
    weight = (unsure | seen).float()
    error = F.binary_cross_entropy_with_logits(logits[..., 0], their_scores, reduction="none") * weight
    score = error.sum() / (their_scores * weight).sum().clamp(min=1)
    b, n = seen.nonzero(as_tuple=True)
    if len(b) == 0:
        return score, torch.zeros_like(score)
    w = their_scores[b, n]
    box = ((1 - ciou(boxes[b, n], their_boxes[b, n])) * w).sum() / w.sum()
    return score, box
