"""Labelled pictures -> augmented training canvases.

A sample is a square BGR uint8 canvas and two lists of boxes in its pixels: people, and regions
to ignore (the labels are unsure, or too little of a person is left in view).
"""
import random

import cv2
import numpy as np

PAD = 114


def letterbox(image, width, height):
    """Top-left letterbox; returns the canvas and the scale."""
    scale = min(width / image.shape[1], height / image.shape[0])
    w, h = round(image.shape[1] * scale), round(image.shape[0] * scale)
    canvas = np.full((height, width, 3), PAD, np.uint8)
    canvas[:h, :w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)
    return canvas, scale


class Augment:
    def __init__(self, pictures, seed):
        self.pictures, self.rng = pictures, random.Random(seed)

    def sample(self, size, mosaic):
        if self.rng.random() < mosaic:
            canvas, people, ignore = self.mosaic(size)
        else:
            canvas, people, ignore = self.single(size, 0, 0, size, size, None)
        if self.rng.random() < 0.5:
            canvas = np.ascontiguousarray(canvas[:, ::-1])
            for boxes in (people, ignore):
                boxes[:, [0, 2]] = size - boxes[:, [2, 0]]
        return self.colour(canvas), people, ignore

    def mosaic(self, size):
        cx, cy = (int(size * self.rng.uniform(.3, .7)) for _ in range(2))
        canvas = np.full((size, size, 3), PAD, np.uint8)
        people, ignore = [], []
        for x0, y0, x1, y1 in ((0, 0, cx, cy), (cx, 0, size, cy), (0, cy, cx, size), (cx, cy, size, size)):
            _, p, g = self.single(size, x0, y0, x1, y1, canvas)
            people.append(p)
            ignore.append(g)
        return canvas, np.concatenate(people), np.concatenate(ignore)

    def single(self, size, x0, y0, x1, y1, canvas):
        """Places one image into the tile x0..x1, y0..y1."""
        rng = self.rng
        i = self.pictures.draw(rng)
        image, people, ignore = self.pictures.pixels[i], self.pictures.people[i], self.pictures.ignore[i]
        h, w = image.shape[:2]
        tw, th = x1 - x0, y1 - y0
        big = people[(people[:, 3] - people[:, 1]) > 90] if len(people) else people
        if len(big) and rng.random() < 0.35:
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
        stretch = rng.uniform(.85, 1.18)
        m = np.array([[scale * stretch, 0, tx], [0, scale, ty]], np.float32)
        tile = cv2.warpAffine(image, m, (tw, th), flags=cv2.INTER_AREA if scale < .7 else cv2.INTER_LINEAR,
                              borderMode=cv2.BORDER_CONSTANT, borderValue=(PAD, PAD, PAD))
        if canvas is None:
            canvas = tile
        else:
            canvas[y0:y1, x0:x1] = tile

        def place(boxes):
            b = boxes * np.array([m[0, 0], scale, m[0, 0], scale], np.float32) + np.array([tx, ty, tx, ty], np.float32)
            c = np.stack((b[:, 0].clip(0, tw), b[:, 1].clip(0, th), b[:, 2].clip(0, tw), b[:, 3].clip(0, th)), 1)
            whole = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
            side = np.minimum(c[:, 2] - c[:, 0], c[:, 3] - c[:, 1])
            share = (c[:, 2] - c[:, 0]) * (c[:, 3] - c[:, 1]) / np.maximum(whole, 1e-6)
            return c + np.array([x0, y0, x0, y0], np.float32), share, side

        p, share, side = place(people)
        g, gshare, gside = place(ignore)
        # In a close-up a quarter of a person is a person; tiny or sliver remains are neither.
        large = (p[:, 2] - p[:, 0]) * (p[:, 3] - p[:, 1]) > .15 * tw * th
        keep = ((share > .4) | (large & (share > .2))) & (side > 5)
        drop = ~keep & (share > .05) & (side > 1)
        return canvas, p[keep], np.concatenate((p[drop], g[(gshare > .05) & (gside > 1)]))

    def colour(self, canvas):
        rng = self.rng
        if rng.random() < .8:
            hsv = cv2.cvtColor(canvas, cv2.COLOR_BGR2HSV)
            lut = np.arange(256, dtype=np.float32)
            hue = ((lut + rng.uniform(-6, 6)) % 180).astype(np.uint8)
            sat = (lut * rng.uniform(.5, 1.4)).clip(0, 255).astype(np.uint8)
            gamma = rng.uniform(.6, 1.5)
            val = (255 * (lut / 255) ** gamma * rng.uniform(.75, 1.15)).clip(0, 255).astype(np.uint8)
            h, s, v = cv2.split(hsv)
            canvas = cv2.cvtColor(cv2.merge((cv2.LUT(h, hue), cv2.LUT(s, sat), cv2.LUT(v, val))), cv2.COLOR_HSV2BGR)
        if rng.random() < .06:
            canvas = cv2.cvtColor(cv2.cvtColor(canvas, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        r = rng.random()
        if r < .06:
            canvas = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(.5, 1.5))
        elif r < .16:
            ok, jpg = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(25, 70)])
            canvas = cv2.imdecode(jpg, cv2.IMREAD_COLOR)
        elif r < .20:
            noise = np.random.default_rng(rng.randrange(1 << 30)).normal(0, rng.uniform(3, 12), canvas.shape)
            canvas = (canvas + noise).clip(0, 255).astype(np.uint8)
        return canvas
