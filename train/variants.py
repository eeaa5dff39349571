"""Trains variants of person-nano from scratch side by side, and prints what each reaches and what it costs.

All see the same canvases and the same teacher, with the loss of train.py, so that what differs is the variant.
"""
import argparse
import copy
import os
import tempfile
import time

import numpy as np
import onnxruntime
import torch
from torch import nn
from torch.nn import functional as F

import render
from data import batches
from export import export
from loss import assign, loss
from measure import prefer_mistaken, validate
from model import Conv, Deployed, Person, decode
from pictures import Pictures, folders
from teacher import Imitation, Teacher
from train import follow, losses, optimizer, rate

BINS = 8  # of a distance, in strides


class Reparameterised(Conv):
    """A 3x3 with a 1x1 and, where the shape stays, the identity beside it, each with its own norm; fused into one 3x3
    (Ding et al. 2021, RepVGG)."""

    @classmethod
    def take(cls, m):
        c_in, c_out = m.conv.in_channels, m.conv.out_channels
        m.point = nn.Conv2d(c_in, c_out, 1, m.conv.stride, bias=False)
        m.point_norm = nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.03)
        m.same_norm = nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.03) if c_in == c_out and m.conv.stride == (1, 1) else None
        m.__class__ = cls

    def forward(self, x):
        y = self.norm(self.conv(x)) + self.point_norm(self.point(x))
        return F.relu(y + self.same_norm(x) if self.same_norm else y)

    def fuse(self):
        def scaled(norm, kernel):
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            return kernel * scale[:, None, None, None], norm.bias - norm.running_mean * scale

        parts = [scaled(self.norm, self.conv.weight), scaled(self.point_norm, F.pad(self.point.weight, [1] * 4))]
        if self.same_norm:
            one = torch.eye(len(self.same_norm.weight))[:, :, None, None]
            parts.append(scaled(self.same_norm, F.pad(one, [1] * 4)))
        conv = nn.Conv2d(self.conv.in_channels, self.conv.out_channels, 3, self.conv.stride, 1)
        conv.weight.data, conv.bias.data = (sum(p) for p in zip(*parts))
        self.conv, self.norm, self.point, self.point_norm, self.same_norm = conv, nn.Identity(), None, None, None
        self.__class__ = Conv


class Swish(Conv):
    def forward(self, x):
        return F.silu(self.norm(self.conv(x)))


class HardSwish(Conv):
    def forward(self, x):
        return F.hardswish(self.norm(self.conv(x)))


class Bins(nn.Module):
    """Distances as means over bins (Li et al. 2020, GFL); decode takes their inverse softplus."""

    def __init__(self, plain):
        super().__init__()
        self.conv = nn.Conv2d(plain.in_channels, 1 + 4 * BINS, 1)
        nn.init.normal_(self.conv.weight, std=0.01)
        self.conv.bias.data = torch.cat((torch.tensor([-4.6]), torch.zeros(4 * BINS)))
        self.weight, self.bias = self.conv.weight, self.conv.bias  # of the score's logit, which Deployed calibrates

    def forward(self, x):
        y = self.conv(x)
        self.bins = y[:, 1:].reshape(y.shape[0], 4, BINS, y.shape[2], y.shape[3])
        mean = (self.bins.softmax(2) * torch.arange(BINS, device=x.device)[:, None, None]).sum(2).clamp(min=.01)
        return torch.cat((y[:, :1], (mean.exp() - 1).log()), 1)


class OneToOne(nn.Module):
    """A second prediction that learns one cell a person and needs no NMS, beside the first, which trains the rest (Wang et al.
    2024, YOLOv10)."""

    def __init__(self, plain):
        super().__init__()
        self.many, self.one = plain, copy.deepcopy(plain)
        self.weight, self.bias = self.one.weight, self.one.bias

    def forward(self, x):
        if not self.training:
            return self.one(x)
        self.answer = self.one(x.detach())
        return self.many(x)


def convs(kind, least=1):
    def change(net):
        for m in list(net.modules()):
            if type(m) is Conv and m.conv.kernel_size[0] >= least:
                kind.take(m) if hasattr(kind, "take") else setattr(m, "__class__", kind)
    return change


def heads(kind):
    def change(net):
        net.predict = nn.ModuleList(kind(p) for p in net.predict)
    return change


def more_of_bins(net, out, labels):
    """The two bins beside each distance are learnt as classes."""
    boxes, logits, centres, strides = decode(out)
    index, target, _ = assign(boxes.detach(), logits.detach().sigmoid(), centres, strides, *labels)
    b, n = (index >= 0).nonzero(as_tuple=True)
    if not len(b):
        return 0
    gt, middle, stride = labels[0][b, index[b, n]], centres[n], strides[n]
    distance = torch.cat((middle - gt[:, :2], gt[:, 2:] - middle), 1).div(stride).clamp(0, BINS - 1.01)
    bins = torch.cat([p.bins.flatten(3) for p in net.predict], 3).permute(0, 3, 1, 2)[b, n].log_softmax(-1)
    low = distance.long()
    share = distance - low
    error = bins.gather(2, low[..., None])[..., 0] * (1 - share) + bins.gather(2, low[..., None] + 1)[..., 0] * share
    return -.25 * (error.mean(1) * target[b, n]).sum() / target.sum().clamp(min=1)


def more_of_one(net, out, labels):
    boxes, logits, centres, strides = decode([p.answer for p in net.predict])
    return loss(boxes, logits, centres, strides, *labels, topk=1)[0]


# Arguments of Person, what is changed in it, what is added to the loss, IoU of NMS (1: none).
VARIANTS = {
    "nano": ({}, None, None, .6),
    "early stages wider": ({"w": (32, 48, 64, 96, 128)}, None, None, .6),
    "late stages wider": ({"w": (16, 32, 64, 128, 192)}, None, None, .6),
    "deeper": ({"n": (1, 3, 4, 2)}, None, None, .6),
    "re-parameterised": ({}, convs(Reparameterised, 3), None, .6),
    "SiLU": ({}, convs(Swish), None, .6),
    "hard swish": ({}, convs(HardSwish), None, .6),
    "distances in bins": ({}, heads(Bins), more_of_bins, .6),
    "one to one, no NMS": ({}, heads(OneToOne), more_of_one, 1),
}


class Variant:
    def __init__(self, name, device, lr):
        arguments, change, self.more, self.overlap = VARIANTS[name]
        torch.manual_seed(1)
        self.net = Person(**arguments)
        if change:
            change(self.net)
        self.ema = copy.deepcopy(self.net).eval()
        self.imitation = Imitation(self.net)
        for m in (self.net, self.ema, self.imitation):
            m.to(device)
        self.opt = optimizer((self.net.train(), self.imitation), lr, .02)

    def step(self, x, answers, labels, lr, share, device, bf16):
        for g in self.opt.param_groups:
            g["lr"] = lr
        with torch.autocast(device, dtype=torch.bfloat16, enabled=bf16):
            out = self.net(x)
        total, _ = losses(out, answers, self.imitation, labels)
        if self.more:
            total = total + self.more(self.net, out, labels)
        self.opt.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.)
        self.opt.step()
        follow(self.ema, self.net, share)


def times(nets, rounds=60):
    """Median milliseconds of CPU on one thread, in turn, at 320x256."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    x = {"images": np.random.default_rng(1).uniform(0, 255, (1, 3, 256, 320)).astype(np.float32)}
    taken = []
    with tempfile.TemporaryDirectory() as scratch:
        sessions = []
        for k, net in enumerate(nets):
            path = os.path.join(scratch, f"{k}.onnx")
            export(Deployed(copy.deepcopy(net).cpu()), path)
            sessions.append(onnxruntime.InferenceSession(path, options))
        for _ in range(rounds):
            taken.append([])
            for s in sessions:
                began = time.thread_time()
                s.run(None, x)
                taken[-1].append((time.thread_time() - began) * 1e3)
    return np.median(taken, 0)


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--shared", required=True, help="folder that holds people, people2, …, and models/yolox_nano.onnx")
    p.add_argument("--minutes", type=float, required=True, help="budget of them all together; the rate falls in its second half")
    p.add_argument("--only", choices=VARIANTS, nargs="*", default=list(VARIANTS))
    p.add_argument("--lr", type=float, default=1.2e-3, help="for 16 pictures a batch; it grows with the root of --batch")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--sizes", default="160:.5,192:.3,256:.2", help="sides of the canvas and their shares")
    p.add_argument("--device", default="cpu", help="cpu or cuda")
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--workers", type=int, default=0)
    p.add_argument("--limit", type=int, default=0, help="use only so many pictures of each folder, to try things")
    return p.parse_args()


def main():
    a = arguments()
    torch.set_num_threads(1 if a.device == "cpu" else 4)
    sizes = [(int(side), float(share)) for side, share in (s.split(":") for s in a.sizes.split(","))]
    roots = folders(a.shared)
    train, held = Pictures(roots, False, a.limit), Pictures(roots, True, a.limit, every=4)
    source = batches(train, 1, sizes, a.batch, torch.tensor(.4), a.workers)
    teacher = Teacher(os.path.join(a.shared, "models", "yolox_nano.onnx")).to(a.device)
    train.pool, held.pool = train.pool.to(a.device), held.pool.to(a.device)
    base = a.lr * (a.batch / 16) ** .5
    variants = [Variant(name, a.device, base) for name in a.only]
    began, step, progress = time.time(), 0, 0.
    while progress < 1:
        progress = (time.time() - began) / 60 / a.minutes
        size, *rest = next(source)
        tiles, colours, *labels = (v.to(a.device, non_blocking=True) for v in rest)
        x = render.recolour(render.render(train.pool, tiles, a.batch, size), colours)
        answers = teacher(x * 255)
        for v in variants:
            v.step(x, answers, labels, base * rate(progress, step, .5), max(a.batch / 64_000, 9 / (10 + step)), a.device, a.bf16)
        step += 1
        if step % 500 == 0:
            prefer_mistaken(variants[0].ema, train, a.device)
    cost = times([v.ema for v in variants])
    print(f"| variant, {step * a.batch} pictures each | parameters | ms | AP50 all | general | indoor | webcam |\n|---|---|---|---|---|---|---|")
    for name, v, ms in zip(a.only, variants, cost):
        got = validate(v.ema, held, a.device, v.overlap)
        views = " | ".join(f"{got[k][0]:.3f}" if k in got else "" for k in ("all", "general", "indoor", "webcam"))
        deployed = Deployed(copy.deepcopy(v.ema).cpu())
        print(f"| {name} | {sum(p.numel() for p in deployed.parameters()) / 1e6:.2f} M | {ms:.1f} | {views} |", flush=True)


if __name__ == "__main__":
    main()
