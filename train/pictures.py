"""Folders of labelled pictures, decoded into one tensor.

A folder (`people`, `people2`, …) has `labels.json` or `teacher.json`:
name -> {"size": [w, h], "people": [[x1, y1, x2, y2, score], …], and in labels.json
"source": "human" or "teacher", "ignore": [[x1, y1, x2, y2], …]}, in pixels of the JPEG.
"""
import json
import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch

import render

SIDE = 352  # of the largest picture kept, pixels

SURE, UNSURE = 0.35, 0.18  # agreement of the teachers: above it a person, between them a region to ignore

# The share of the samples that are drawn from each subfolder. Negatives (rooms, food, toys, clothes, statues, objects,
# most of vehicles and sky) have .24 of them.
WEIGHTS = {
    "general": .26, "indoor": .08, "webcam": .07, "sport": .09, "places": .06, "crowd": .02, "cctv": .03, "night": .01,
    "thermal": .03, "overhead": .01, "worker": .02, "animals": .09, "street": .09, "fashion": .02, "portrait": .03,
    "rooms": .04, "food": .01, "toys": .01, "clothes": .02, "statues": .02, "objects": .06, "vehicles": .05, "sky": .01,
}
# COCO pictures that may be of its validation split.
NOT_TRAINED_ON = {"mixed"}


def is_validation(name):
    return name.endswith("7.jpg")


def read_labels(root):
    """Labels of one folder by name, each with people and ignore as arrays [n,4] and human true or false."""
    path = os.path.join(root, "labels.json")
    if not os.path.exists(path):
        path = os.path.join(root, "teacher.json")
    with open(path) as f:
        labels = json.load(f)
    out = {}
    for name, label in sorted(labels.items()):
        boxes = np.array(label["people"], np.float32).reshape(-1, 5)
        human = label.get("source") == "human"
        sure = boxes[:, 4] > (-1 if human else SURE)
        unsure = ~sure & (boxes[:, 4] > UNSURE)
        more = np.array([b[:4] for b in label.get("ignore") or []], np.float32).reshape(-1, 4)
        out[name] = {"size": label["size"], "human": human, "people": boxes[sure, :4], "ignore": np.concatenate((boxes[unsure, :4], more))}
    return out


def folders(shared):
    """The folders people, people2, people3, … that exist in shared."""
    names = ["people"] + [f"people{n}" for n in range(2, 100)]
    return [os.path.join(shared, n) for n in names if os.path.isdir(os.path.join(shared, n))]


class Pictures:
    """One split of all folders: pool uint8 [n,3,SIDE,SIDE], BGR, each picture in the upper left corner; sizes (height, width).
    `weights` of a picture is how often it is drawn among those of its subfolder, in memory that processes share."""

    def __init__(self, roots, validation, limit=0, every=1):
        self.names, self.sizes, self.people, self.ignore, self.subfolders, pixels = [], [], [], [], {}, []
        for root in roots:
            labels = read_labels(root)
            mine = [n for n in labels if is_validation(n) == validation and n.split("/")[0] not in NOT_TRAINED_ON]
            mine = mine[::every][:limit or None]
            with ThreadPoolExecutor() as threads:
                images = list(threads.map(lambda name: read(root, name, labels[name]["size"]), mine))
            for name, (image, scale) in zip(mine, images):
                self.subfolders.setdefault(name.split("/")[0], []).append(len(self.names))
                self.names.append(name)
                self.sizes.append(image.shape[:2])
                self.people.append(labels[name]["people"] * scale)
                self.ignore.append(labels[name]["ignore"] * scale)
                pixels.append(image)
        unknown = set(self.subfolders) - set(WEIGHTS)
        if unknown:
            raise SystemExit(f"WEIGHTS has no share for {', '.join(sorted(unknown))}")
        self.order = sorted(self.subfolders)
        self.shares = [WEIGHTS[f] for f in self.order]
        self.weights = torch.ones(len(self.names), dtype=torch.float64).share_memory_()
        self.pool = torch.full((len(pixels), 3, SIDE, SIDE), round(render.PAD * 255), dtype=torch.uint8)
        for i, image in enumerate(pixels):
            self.pool[i, :, :image.shape[0], :image.shape[1]] = torch.from_numpy(image).permute(2, 0, 1)
            pixels[i] = None

    def is_empty(self, i):
        return len(self.people[i]) + len(self.ignore[i]) == 0

    def draw(self, rng):
        ids = self.subfolders[rng.choices(self.order, self.shares)[0]]
        sums = self.weights.numpy()[ids].cumsum()
        return ids[int(sums.searchsorted(rng.random() * sums[-1]))]


def read(root, name, size):
    """The picture, at most SIDE wide and high, and its scale to the size that its labels are for."""
    image = cv2.imread(os.path.join(root, name), cv2.IMREAD_COLOR)
    if image is None:
        raise SystemExit(f"{os.path.join(root, name)}: cannot be read as a picture")
    k = SIDE / max(image.shape[:2])
    if k < 1:
        image = cv2.resize(image, (round(image.shape[1] * k), round(image.shape[0] * k)), interpolation=cv2.INTER_AREA)
    return image, image.shape[1] / size[0]
