"""Labels of the validation splits -> COCO labels, a file a view, for `sightlog eval`.

People whom the labels are sure of are to be found; what they doubt are regions to ignore.
"""
import argparse
import json
import os

from pictures import NOT_TRAINED_ON, folders, is_validation, read_labels

# Which subfolders make a view, and whether boxes by people (True), by teachers (False) or both (None) are taken. Pictures
# without anybody are a view of their own.
VIEWS = {
    "general": (("general", "animals", "places", "crowd"), True),
    "indoor": (("indoor",), True),
    "webcam": (("webcam", "portrait"), None),
    "sport": (("sport", "worker"), None),
    "street": (("street", "fashion"), None),
    "surveillance": (("cctv", "night"), None),
    "thermal": (("thermal",), None),
    "overhead": (("overhead",), None),
}


def coco(pictures):
    """pictures: (file name, label) -> COCO instances."""
    images, annotations = [], []
    for name, label in pictures:
        w, h = label["size"]
        images.append({"id": len(images) + 1, "file_name": name, "width": w, "height": h})
        for crowd, boxes in enumerate((label["people"], label["ignore"])):
            for x1, y1, x2, y2 in boxes.tolist():
                box = [round(v, 1) for v in (x1, y1, x2 - x1, y2 - y1)]
                annotations.append({"id": len(annotations) + 1, "image_id": len(images), "category_id": 1,
                                    "bbox": box, "area": round(box[2] * box[3], 1), "iscrowd": crowd})
    return {"images": images, "categories": [{"id": 1, "name": "person"}], "annotations": annotations}


def validation(shared):
    """The validation split of all folders: (file name relative to shared, label)."""
    for root in folders(shared):
        for name, label in read_labels(root).items():
            if is_validation(name) and name.split("/")[0] not in NOT_TRAINED_ON:
                yield os.path.join(os.path.basename(root), name), label


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--shared", required=True, help="folder that holds people, people2, …")
    p.add_argument("--out", required=True, help="folder to write into")
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    split = list(validation(a.shared))
    views = {"all": split, "empty": [(n, l) for n, l in split if len(l["people"]) + len(l["ignore"]) == 0]}
    for view, (subfolders, human) in VIEWS.items():
        views[view] = [(n, l) for n, l in split if n.split("/")[1] in subfolders and human in (None, l["human"])
                       and len(l["people"]) + len(l["ignore"])]
    for view, pictures in views.items():
        with open(os.path.join(a.out, view + ".json"), "w") as f:
            json.dump(coco(pictures), f, separators=(",", ":"))
        print(f"{view}: {len(pictures)} pictures, {sum(len(l['people']) for _, l in pictures)} people")


if __name__ == "__main__":
    main()
