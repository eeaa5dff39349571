"""Trains person-nano from scratch. See README.md."""
import argparse
import copy
import json
import math
import os
import queue
import threading
import time

import numpy as np
import torch

from data import Augment, Images, letterbox
from loss import loss
from measure import ap50, nms
from model import PersonNano, decode

SIZES = ((256, .1), (288, .65), (352, .2), (416, .05))


def batches(images, seed, size_rng, batch, mosaic, depth=6):
    """Batches from a thread of their own, which OpenCV lets run beside the training."""
    q = queue.Queue(depth)

    def work():
        augment = Augment(images, seed)
        while True:
            size = int(size_rng.choice([s for s, _ in SIZES], p=[p for _, p in SIZES]))
            q.put(pack([augment.sample(size, mosaic()) for _ in range(batch)]))

    threading.Thread(target=work, daemon=True).start()
    return q


def pack(samples):
    x = torch.from_numpy(np.stack([s[0] for s in samples]))

    def padded(k):
        m = max(len(s[k]) for s in samples)
        boxes, valid = torch.zeros(len(samples), m, 4), torch.zeros(len(samples), m, dtype=torch.bool)
        for i, s in enumerate(samples):
            boxes[i, :len(s[k])], valid[i, :len(s[k])] = torch.from_numpy(s[k]), True
        return boxes, valid

    return x, *padded(1), *padded(2)


def tensor(x):
    """uint8 [b,h,w,3] -> f32 [b,3,h,w] in 0..1, channels last in memory."""
    return x.permute(0, 3, 1, 2).float().div_(255)


@torch.no_grad()
def validate(net, images, side=352):
    net.eval()
    found = []
    for image in images.pixels:
        h, w = image.shape[:2]
        k = side / max(h, w)
        canvas, scale = letterbox(image, max(32, math.ceil(w * k / 32) * 32), max(32, math.ceil(h * k / 32) * 32))
        boxes, logits, _, _ = decode(net(tensor(torch.from_numpy(canvas)[None])))
        b, s = boxes[0].numpy() / scale, logits[0, :, 0].sigmoid().numpy()
        keep = s > .02
        b, s = b[keep], s[keep]
        b[:, [0, 2]], b[:, [1, 3]] = b[:, [0, 2]].clip(0, w), b[:, [1, 3]].clip(0, h)
        keep = nms(b, s)
        found.append((b[keep], s[keep]))
    net.train()
    out = {"all": ap50(found, images.people, images.ignore)}
    for folder, ids in images.folders.items():
        out[folder] = ap50([found[i] for i in ids], [images.people[i] for i in ids], [images.ignore[i] for i in ids])
    return {k: [round(x, 3) for x in v] for k, v in out.items()}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True, help="folder with teacher.json")
    p.add_argument("--out", required=True, help="folder for checkpoints and the log")
    p.add_argument("--images", type=int, default=0, help="budget in images")
    p.add_argument("--minutes", type=float, default=0, help="budget in minutes, if no --images")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1, help="more only on idle cores: they wait for each other")
    p.add_argument("--resume", default="")
    p.add_argument("--limit", type=int, default=0, help="use only so many images, to try things")
    a = p.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    os.makedirs(a.out, exist_ok=True)
    log = open(os.path.join(a.out, "log.jsonl"), "a")

    train, held = Images(a.data, False, a.limit), Images(a.data, True, a.limit, every=5)
    net = PersonNano().to(memory_format=torch.channels_last)
    norms = [q for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d) for q in m.parameters()]
    ids = {id(q) for q in norms}
    rest = [q for q in net.parameters() if id(q) not in ids]
    opt = torch.optim.AdamW([{"params": rest, "weight_decay": .02}, {"params": norms, "weight_decay": 0}], lr=a.lr)
    ema = copy.deepcopy(net).eval()
    step = 0
    if a.resume:
        c = torch.load(a.resume)
        net.load_state_dict(c["net"]); ema.load_state_dict(c["ema"]); opt.load_state_dict(c["opt"]); step = c["step"]

    began, spent, saved = time.time(), 0.0, time.time()
    progress = 0.0
    q = batches(train, a.seed + step, np.random.default_rng(a.seed), a.batch, lambda: .5 if progress < .85 else 0.0)
    mean = np.zeros(2)
    while progress < 1:
        progress = step * a.batch / a.images if a.images else (time.time() - began) / 60 / a.minutes
        lr = a.lr * min(1, (step + 1) / 300) * (.02 + .98 * (1 + math.cos(math.pi * min(progress, 1))) / 2)
        for g in opt.param_groups:
            g["lr"] = lr
        x, gt, valid, ign, ign_valid = q.get()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = net(tensor(x))
        boxes, logits, centres, strides = decode(out)
        total, score, box = loss(boxes, logits, centres, strides, gt, valid, ign, ign_valid)
        opt.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.)
        opt.step()
        step += 1
        mean += (score.item(), box.item())
        d = min(.9995, (1 + step) / (10 + step))
        with torch.no_grad():
            for e, v in zip(ema.state_dict().values(), net.state_dict().values()):
                e.copy_(v) if not e.is_floating_point() else e.mul_(d).add_(v.detach(), alpha=1 - d)
        if step % 100 == 0:
            print(json.dumps({"step": step, "images": step * a.batch, "min": round((time.time() - began) / 60, 1), "lr": round(lr, 6),
                              "score": round(mean[0] / 100, 4), "box": round(mean[1] / 100, 4)}), file=log, flush=True)
            mean[:] = 0
        if time.time() - saved > 1200 or progress >= 1:
            saved = time.time()
            torch.save({"net": net.state_dict(), "ema": ema.state_dict(), "opt": opt.state_dict(), "step": step}, os.path.join(a.out, "last.pt"))
            print(json.dumps({"step": step, "images": step * a.batch, "min": round((time.time() - began) / 60, 1),
                              "ap50_f1_at": validate(copy.deepcopy(ema), held)}), file=log, flush=True)


if __name__ == "__main__":
    main()
