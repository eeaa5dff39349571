"""teacher.json -> COCO labels of the validation split, for `sightlog eval`.

People the teachers agree on are labels; those they doubt are regions to ignore.
"""
import argparse
import json

SURE, UNSURE = 0.35, 0.18  # as in data.py


def coco(teacher):
    images, annotations = [], []
    for name in sorted(n for n in teacher if n.endswith("7.jpg")):
        w, h = teacher[name]["size"]
        images.append({"id": len(images) + 1, "file_name": name, "width": w, "height": h})
        for x1, y1, x2, y2, score in teacher[name]["people"]:
            if score <= UNSURE:
                continue
            box = [round(v, 1) for v in (x1, y1, x2 - x1, y2 - y1)]
            annotations.append({"id": len(annotations) + 1, "image_id": len(images), "category_id": 1,
                                "bbox": box, "area": round(box[2] * box[3], 1), "iscrowd": int(score <= SURE)})
    return {"images": images, "categories": [{"id": 1, "name": "person"}], "annotations": annotations}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--teacher", required=True, help="teacher.json")
    p.add_argument("--out", required=True, help="file to write")
    a = p.parse_args()
    with open(a.teacher) as f:
        labels = coco(json.load(f))
    with open(a.out, "w") as f:
        json.dump(labels, f, separators=(",", ":"))
    doubtful = sum(x["iscrowd"] for x in labels["annotations"])
    print(f"{len(labels['images'])} images, {len(labels['annotations']) - doubtful} people, {doubtful} regions to ignore")


if __name__ == "__main__":
    main()
