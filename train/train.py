"""Trains person-nano or person-small, from scratch or from a checkpoint. See README.md."""
import argparse
import copy
import json
import os
import signal
import threading
import time

import torch

import render
from data import batches
from loss import loss
from measure import prefer_mistaken, validate
from model import SIZES, Person, decode
from pictures import Pictures, folders
from teacher import Imitation, Teacher, dense_loss

WARMUP = 300  # steps
EMA = 64_000  # pictures over which the mean of weights is taken
MOSAIC = .4  # share of the samples, none in the second half of the fall of the rate


def rate(progress, step, decay):
    """Warm-up, constant, then a linear fall to 1 % over the last part `decay` of the run (Hu et al. 2024, WSD): a checkpoint
    from the constant part can be continued as if it had never stopped."""
    fall = 1 if decay == 0 else min(1, max(0, 1 - progress) / decay)
    return min(1, (step + 1) / WARMUP) * (.01 + .99 * fall)


def save(path, size, net, ema, imitation, images):
    """At half precision a checkpoint of nano is about 3.3 MB, one of small 12.3 MB."""
    def half(module):
        return {k: v.half() if v.is_floating_point() else v for k, v in module.state_dict().items()}

    state = {"size": size, "net": half(net), "ema": half(ema), "adapt": half(imitation.adapt), "images": images}
    torch.save(state, path + ".tmp")
    os.replace(path + ".tmp", path)


def load(path, net, ema, imitation):
    """Reads what save wrote, perhaps without net; returns how many pictures it has seen."""
    c = torch.load(path, map_location="cpu")
    for module, state in ((net, c.get("net", c["ema"])), (ema, c["ema"]), (imitation.adapt, c["adapt"])):
        module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return c["images"]


def optimizer(modules, lr, weight_decay):
    norms = [p for net in modules for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d) for p in m.parameters()]
    ids = {id(p) for p in norms}
    rest = [p for net in modules for p in net.parameters() if id(p) not in ids]
    return torch.optim.AdamW([{"params": rest, "weight_decay": weight_decay}, {"params": norms, "weight_decay": 0}], lr=lr, fused=True)


PARTS = ("score", "box", "their_score", "their_box", "features", "classes")


def losses(out, answers, imitation, labels):
    """What is learnt, of the net's output and the teacher's answers for the same canvases, and its PARTS."""
    boxes, logits, centres, strides = decode(out)
    by_labels, score, box = loss(boxes, logits, centres, strides, *labels)
    their_score, their_box = dense_loss(boxes, logits, centres, answers, *labels)
    features, classes = imitation(answers)
    total = by_labels + features + .5 * classes + .5 * their_score + their_box
    return total, (score, box, their_score, their_box, features, classes)


@torch.no_grad()
def follow(ema, net, share):
    """ema moves towards net by share."""
    pairs = [(e, v) for e, v in zip(ema.state_dict().values(), net.state_dict().values())]
    floats = [(e, v) for e, v in pairs if e.is_floating_point()]
    torch._foreach_lerp_([e for e, _ in floats], [v for _, v in floats], share)
    for e, v in pairs:
        if not e.is_floating_point():
            e.copy_(v)


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--shared", required=True, help="folder that holds people, people2, …, and models/yolox_nano.onnx")
    p.add_argument("--out", required=True, help="folder for checkpoints and the log")
    p.add_argument("--size", choices=SIZES, default="nano")
    p.add_argument("--init", default="", help="checkpoint to continue from")
    p.add_argument("--images", type=int, default=0, help="budget of this run in pictures")
    p.add_argument("--minutes", type=float, default=0, help="budget of this run in minutes, if no --images")
    p.add_argument("--decay", type=float, default=.2, help="last part of the budget in which the rate falls; 0: more is to follow")
    p.add_argument("--lr", type=float, default=1.2e-3, help="for 16 pictures a batch; it grows with the root of --batch")
    p.add_argument("--weight-decay", type=float, default=.02)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--sizes", default="160:.1,192:.2,224:.25,256:.2,320:.25", help="sides of the canvas and their shares")
    p.add_argument("--device", default="cpu", help="cpu or cuda")
    p.add_argument("--bf16", action="store_true", help="autocast; on a CPU only faster with AVX-512 BF16 or AMX")
    p.add_argument("--workers", type=int, default=0, help="processes that plan the canvases; 0: none beside this one")
    p.add_argument("--every", type=float, default=15, help="minutes from one checkpoint and measurement to the next")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1, help="more only on idle cores: they wait for each other")
    p.add_argument("--limit", type=int, default=0, help="use only so many pictures of each folder, to try things")
    a = p.parse_args()
    if not a.images and not a.minutes:
        p.error("give --images or --minutes")
    a.lr *= (a.batch / 16) ** .5
    return a


def main():
    a = arguments()
    sizes = [(int(side), float(share)) for side, share in (s.split(":") for s in a.sizes.split(","))]
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    os.makedirs(a.out, exist_ok=True)
    log = open(os.path.join(a.out, "log.jsonl"), "a")

    def say(**facts):
        print(json.dumps(facts), file=log, flush=True)

    roots = folders(a.shared)
    train, held = Pictures(roots, False, a.limit), Pictures(roots, True, a.limit, every=4)
    net = Person(**SIZES[a.size])
    ema = copy.deepcopy(net)
    imitation = Imitation(net)
    seen = load(a.init, net, ema, imitation) if a.init else 0
    mosaic = torch.tensor(MOSAIC).share_memory_()
    source = batches(train, a.seed + seen, sizes, a.batch, mosaic, a.workers)  # its processes begin before the device is in use
    for module in (net.train(), ema.eval(), imitation):
        module.to(a.device, memory_format=torch.channels_last)
    teacher = Teacher(os.path.join(a.shared, "models", "yolox_nano.onnx")).to(a.device)
    train.pool, held.pool = train.pool.to(a.device), held.pool.to(a.device)
    prefer_mistaken(ema, train, a.device)
    opt = optimizer((net, imitation), a.lr, a.weight_decay)

    stop = threading.Event()
    for s in (signal.SIGTERM, signal.SIGINT):
        signal.signal(s, lambda *_: stop.set())
    began = saved = time.time()
    step, progress, mean = 0, 0.0, torch.zeros(6, device=a.device)
    while progress < 1 and not stop.is_set():
        progress = step * a.batch / a.images if a.images else (time.time() - began) / 60 / a.minutes
        mosaic.fill_(MOSAIC if progress < 1 - a.decay / 2 else 0)
        lr = a.lr * rate(progress, step, a.decay)
        for g in opt.param_groups:
            g["lr"] = lr
        size, *rest = next(source)
        tiles, colours, *labels = (v.to(a.device, non_blocking=True) for v in rest)
        x = render.recolour(render.render(train.pool, tiles, a.batch, size), colours)
        with torch.autocast(a.device, dtype=torch.bfloat16, enabled=a.bf16):
            answers = teacher(x * 255)
            out = net(x.contiguous(memory_format=torch.channels_last))
        total, parts = losses(out, answers, imitation, labels)
        opt.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.)
        opt.step()
        step, seen = step + 1, seen + a.batch
        mean += torch.stack([v.detach() for v in parts])
        follow(ema, net, max(a.batch / EMA, 9 / (10 + seen / a.batch)))
        if step % 100 == 0:
            say(images=seen, min=round((time.time() - began) / 60, 1), lr=round(lr, 6), **{k: round(v / 100, 3) for k, v in zip(PARTS, mean.tolist())})
            mean.zero_()
        if time.time() - saved > 60 * a.every or progress >= 1 or stop.is_set():
            save(os.path.join(a.out, "last.pt"), a.size, net, ema, imitation, seen)
            say(images=seen, min=round((time.time() - began) / 60, 1), ap50_f1_at=validate(ema, held, a.device))
            prefer_mistaken(ema, train, a.device)
            saved = time.time()


if __name__ == "__main__":
    main()
