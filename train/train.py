"""Trains person-nano, from scratch or from a checkpoint. See README.md."""
import argparse
import copy
import json
import os
import queue
import signal
import threading
import time

import numpy as np
import torch

from data import Augment
from loss import loss
from measure import validate
from model import PersonNano, decode
from pictures import Pictures, folders
from teacher import Imitation, dense_loss, open_teacher

WARMUP = 300  # steps
EMA = .9995
MOSAIC = .4  # share of the samples, none while the rate decays


def batches(pictures, teacher, seed, sizes, batch, mosaic, depth=4):
    """Batches with the teacher's answers, from a thread of their own: OpenCV and onnxruntime let it run beside the training."""
    q = queue.Queue(depth)
    rng = np.random.default_rng(seed)
    sides, shares = zip(*sizes)

    def work():
        augment = Augment(pictures, seed)
        while True:
            size = int(rng.choice(sides, p=shares))
            samples = pack([augment.sample(size, mosaic()) for _ in range(batch)])
            images = np.ascontiguousarray(samples[0].numpy().transpose(0, 3, 1, 2)).astype(np.float32)
            q.put((samples, [torch.from_numpy(a) for a in teacher.run(None, {"images": images})]))

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


def rate(progress, step, decay):
    """Warm-up, constant, then a linear fall to 2 % over the last part `decay` of the run (Hu et al. 2024, WSD): a checkpoint
    from the constant part can be continued as if it had never stopped."""
    fall = 1 if decay == 0 else min(1, max(0, 1 - progress) / decay)
    return min(1, (step + 1) / WARMUP) * (.02 + .98 * fall)


def save(path, net, ema, imitation, images):
    """At half precision a checkpoint is about 3.3 MB."""
    def half(module):
        return {k: v.half() if v.is_floating_point() else v for k, v in module.state_dict().items()}

    torch.save({"net": half(net), "ema": half(ema), "adapt": half(imitation.adapt), "images": images}, path + ".tmp")
    os.replace(path + ".tmp", path)


def load(path, net, ema, imitation):
    """Reads what save wrote; returns how many pictures it has seen."""
    c = torch.load(path)
    for module, state in ((net, c["net"]), (ema, c["ema"]), (imitation.adapt, c["adapt"])):
        module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return c["images"]


def optimizer(modules, lr):
    """AdamW; norms do not decay."""
    norms = [p for net in modules for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d) for p in m.parameters()]
    ids = {id(p) for p in norms}
    rest = [p for net in modules for p in net.parameters() if id(p) not in ids]
    return torch.optim.AdamW([{"params": rest, "weight_decay": .02}, {"params": norms, "weight_decay": 0}], lr=lr)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--shared", required=True, help="folder that holds people, people2, …, and models/yolox_nano.onnx")
    p.add_argument("--out", required=True, help="folder for checkpoints and the log")
    p.add_argument("--init", default="", help="checkpoint to continue from")
    p.add_argument("--images", type=int, default=0, help="budget of this run in pictures")
    p.add_argument("--minutes", type=float, default=0, help="budget of this run in minutes, if no --images")
    p.add_argument("--decay", type=float, default=.2, help="last part of the budget in which the rate falls; 0: more is to follow")
    p.add_argument("--lr", type=float, default=1.2e-3)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--sizes", default="160:.1,192:.2,224:.25,256:.2,320:.25", help="sides of the canvas and their shares")
    p.add_argument("--bf16", action="store_true", help="autocast; only faster where the processor has AVX-512 BF16 or AMX")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1, help="more only on idle cores: they wait for each other")
    p.add_argument("--limit", type=int, default=0, help="use only so many pictures of each folder, to try things")
    a = p.parse_args()
    if not a.images and not a.minutes:
        p.error("give --images or --minutes")
    sizes = [(int(side), float(share)) for side, share in (s.split(":") for s in a.sizes.split(","))]
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    os.makedirs(a.out, exist_ok=True)
    log = open(os.path.join(a.out, "log.jsonl"), "a")

    def say(**facts):
        print(json.dumps(facts), file=log, flush=True)

    roots = folders(a.shared)
    train, held = Pictures(roots, False, a.limit), Pictures(roots, True, a.limit, every=4)
    net = PersonNano().to(memory_format=torch.channels_last).train()
    ema = copy.deepcopy(net).eval()
    imitation = Imitation(net)
    seen = load(a.init, net, ema, imitation) if a.init else 0
    train.prefer_mistaken(ema)
    opt = optimizer((net, imitation), a.lr)

    stop = threading.Event()
    for s in (signal.SIGTERM, signal.SIGINT):
        signal.signal(s, lambda *_: stop.set())
    began = saved = time.time()
    step, progress, mean = 0, 0.0, np.zeros(6)
    q = batches(train, open_teacher(os.path.join(a.shared, "models", "yolox_nano.onnx")), a.seed + seen, sizes, a.batch,
                lambda: MOSAIC if progress < 1 - a.decay else 0.0)
    while progress < 1 and not stop.is_set():
        progress = step * a.batch / a.images if a.images else (time.time() - began) / 60 / a.minutes
        lr = a.lr * rate(progress, step, a.decay)
        for g in opt.param_groups:
            g["lr"] = lr
        (x, gt, valid, ignore, ignore_valid), answers = q.get()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.bf16):
            out = net(tensor(x))
        boxes, logits, centres, strides = decode(out)
        labels, score, box = loss(boxes, logits, centres, strides, gt, valid, ignore, ignore_valid)
        their_score, their_box = dense_loss(boxes, logits, centres, answers, gt, valid, ignore, ignore_valid)
        features, classes = imitation(answers)
        opt.zero_grad(set_to_none=True)
        (labels + features + .5 * classes + .5 * their_score + their_box).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.)
        opt.step()
        step, seen = step + 1, seen + a.batch
        mean += [v.item() for v in (score, box, their_score, their_box, features, classes)]
        average = min(EMA, (1 + seen / a.batch) / (10 + seen / a.batch))
        with torch.no_grad():
            for e, v in zip(ema.state_dict().values(), net.state_dict().values()):
                e.copy_(v) if not e.is_floating_point() else e.mul_(average).add_(v.detach(), alpha=1 - average)
        if step % 100 == 0:
            names = ("score", "box", "their_score", "their_box", "features", "classes")
            say(images=seen, min=round((time.time() - began) / 60, 1), lr=round(lr, 6), **{k: round(v / 100, 3) for k, v in zip(names, mean)})
            mean[:] = 0
        if time.time() - saved > 900 or progress >= 1 or stop.is_set():
            save(os.path.join(a.out, "last.pt"), net, ema, imitation, seen)
            say(images=seen, min=round((time.time() - began) / 60, 1), ap50_f1_at=validate(copy.deepcopy(ema), held))
            saved = time.time()


if __name__ == "__main__":
    main()
