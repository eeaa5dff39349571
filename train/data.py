"""Labelled pictures -> plans of augmented training canvases, and batches of them.

A plan says which parts of which pictures lie where on a square canvas (`render.py` draws it), its colours, and two lists of boxes
in its pixels: people, and regions to ignore (the labels are unsure, or too little of a person is left in view).
"""
import random

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

import render


class Augment:
    def __init__(self, pictures, seed):
        self.pictures, self.rng = pictures, random.Random(seed)

    def plan(self, size, mosaic):
        """tiles [t,10], colours [8], people [n,4], ignore [m,4]."""
        rng = self.rng
        rects = [(0, 0, size, size)]
        if rng.random() < mosaic:
            cx, cy = (int(size * rng.uniform(.3, .7)) for _ in range(2))
            rects = [(0, 0, cx, cy), (cx, 0, size, cy), (0, cy, cx, size), (cx, cy, size, size)]
        tiles, people, ignore = zip(*(self.tile(*r) for r in rects))
        tiles, people, ignore = np.stack(tiles), np.concatenate(people), np.concatenate(ignore)
        if rng.random() < .5:
            for boxes in (people, ignore):
                boxes[:, [0, 2]] = size - boxes[:, [2, 0]]
            tiles[:, [render.X0, render.X1]] = size - tiles[:, [render.X1, render.X0]]
            tiles[:, render.SCALE_X] *= -1
            tiles[:, render.MOVE_X] = size - tiles[:, render.MOVE_X]
        return tiles, self.colours(), people, ignore

    def tile(self, x0, y0, x1, y1):
        """Places one picture into the rectangle x0..x1, y0..y1."""
        rng = self.rng
        i = self.pictures.draw(rng)
        people, ignore = self.pictures.people[i], self.pictures.ignore[i]
        h, w = self.pictures.sizes[i]
        tw, th = x1 - x0, y1 - y0
        big = people[(people[:, 3] - people[:, 1]) > 90]
        if len(big) and rng.random() < .35:
            # Close-up: a person fills 0.7 to 2 times the tile's height, head and shoulders in view.
            b = big[rng.randrange(len(big))]
            scale = rng.uniform(.7, 2.0) * th / (b[3] - b[1])
            scale = min(scale, 6 * min(tw / w, th / h))
            head = b[1] + .12 * (b[3] - b[1])
            tx = tw * rng.uniform(.25, .75) - scale * (b[0] + b[2]) / 2
            ty = th * rng.uniform(.08, .4) - scale * head
        else:
            scale = min(tw / w, th / h) * (rng.uniform(.5, 1.8) if rng.random() < .8 else 1)
            tx = rng.uniform(min(0, tw - scale * w), max(0, tw - scale * w))
            ty = rng.uniform(min(0, th - scale * h), max(0, th - scale * h))
        scale_x = scale * rng.uniform(.85, 1.18)

        def place(boxes):
            b = boxes * np.array([scale_x, scale] * 2, np.float32) + np.array([tx, ty] * 2, np.float32)
            c = b.clip(0, np.array([tw, th] * 2, np.float32))
            whole = (b[:, 2:] - b[:, :2]).prod(1)
            sides = c[:, 2:] - c[:, :2]
            return c + np.array([x0, y0] * 2, np.float32), sides.prod(1) / np.maximum(whole, 1e-6), sides.min(1)

        p, share, side = place(people)
        g, gshare, gside = place(ignore)
        # In a close-up a quarter of a person is a person; tiny or sliver remains are neither.
        large = (p[:, 2:] - p[:, :2]).prod(1) > .15 * tw * th
        keep = ((share > .4) | (large & (share > .2))) & (side > 5)
        drop = ~keep & (share > .05) & (side > 1)
        tile = np.array([i, 0, x0, y0, x1, y1, scale_x, scale, x0 + tx, y0 + ty], np.float32)
        return tile, p[keep], np.concatenate((p[drop], g[(gshare > .05) & (gside > 1)]))

    def colours(self):
        rng, c = self.rng, np.zeros(8, np.float32)
        c[[render.SATURATION, render.GAMMA, render.GAIN]] = 1
        if rng.random() < .8:
            c[render.HUE] = rng.uniform(-.21, .21)
            c[render.SATURATION], c[render.GAMMA], c[render.GAIN] = rng.uniform(.5, 1.4), rng.uniform(.6, 1.5), rng.uniform(.75, 1.15)
        c[render.GREY] = rng.random() < .06
        r = rng.random()
        if r < .06:
            c[render.BLUR] = rng.uniform(.5, 1.5)
        elif r < .16:
            c[render.JPEG] = rng.randint(25, 70)
        elif r < .20:
            c[render.NOISE] = rng.uniform(3, 12) / 255
        return c


class Batches(IterableDataset):
    """Batches without end: (size, tiles, colours, people, its validity, ignore, its validity), all but size as tensors."""

    def __init__(self, pictures, seed, sizes, batch, mosaic):
        self.pictures, self.seed, self.batch = pictures, seed, batch
        self.sides, self.shares = zip(*sizes)
        self.mosaic = mosaic  # a tensor in shared memory: the share of mosaics, which changes during the run

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        seed = self.seed * 1000 + (worker.id if worker else 0)
        augment = Augment(self.pictures, seed)
        while True:
            size = augment.rng.choices(self.sides, self.shares)[0]
            yield size, *pack([augment.plan(size, self.mosaic.item()) for _ in range(self.batch)])


def pack(plans):
    for canvas, (tiles, *_) in enumerate(plans):
        tiles[:, render.CANVAS] = canvas
    tiles = torch.from_numpy(np.concatenate([p[0] for p in plans]))
    colours = torch.from_numpy(np.stack([p[1] for p in plans]))

    def padded(k):
        boxes = torch.zeros(len(plans), max(len(p[k]) for p in plans), 4)
        valid = torch.zeros(boxes.shape[:2], dtype=torch.bool)
        for i, p in enumerate(plans):
            boxes[i, :len(p[k])], valid[i, :len(p[k])] = torch.from_numpy(p[k]), True
        return boxes, valid

    return tiles, colours, *padded(2), *padded(3)


def batches(pictures, seed, sizes, batch, mosaic, workers):
    """An iterator over Batches; with workers, made by processes that share the labels with this one."""
    ahead = {"prefetch_factor": 8} if workers else {}
    return iter(DataLoader(Batches(pictures, seed, sizes, batch, mosaic), batch_size=None, num_workers=workers, **ahead))
