"""The model of sightlog in Python: letterbox, onnxruntime, suppression."""

import ast

import cv2
import numpy as np
import onnxruntime as ort

PAD = 114


class Detector:
    """Finds objects in BGR frames. tuned sets what onnxruntime's docs advise."""

    def __init__(self, path, side, threads, tuned):
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads  # 0: all cores
        if tuned:  # as sightlog sets them
            options.inter_op_num_threads = 1
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        meta = self.session.get_modelmeta().custom_metadata_map
        if meta.get("decoder") != "sightlog":
            raise SystemExit("baseline: it reads sightlog's own models only")
        self.side = side or int(meta["side"])
        self.stride = int(meta["stride"])
        self.threshold = float(meta["threshold"])
        self.iou = float(meta["iou"])
        self.names = ast.literal_eval(meta["names"])
        self.tuned = tuned
        self.blob = None

    def _fit(self, frame):
        """Size of the frame in the input, and of the input."""
        h, w = frame.shape[:2]
        scale = self.side / max(w, h)
        inner = (round(w * scale), round(h * scale))
        outer = tuple(-(-v // self.stride) * self.stride for v in inner)
        return inner, outer

    def _input(self, frame):
        (w, h), (ow, oh) = self._fit(frame)
        small = cv2.resize(frame, (w, h), interpolation=cv2.INTER_LINEAR)
        if not self.tuned:
            padded = cv2.copyMakeBorder(small, 0, oh - h, 0, ow - w, cv2.BORDER_CONSTANT, value=(PAD,) * 3)
            return cv2.dnn.blobFromImage(padded), w, h
        if self.blob is None or self.blob.shape[2:] != (oh, ow):
            self.blob = np.full((1, 3, oh, ow), PAD, np.float32)
        self.blob[0, :, :h, :w] = small.transpose(2, 0, 1)
        return self.blob, w, h

    def detect(self, frame):
        """Class of each object, and x1, y1, x2, y2, score of each in one list."""
        blob, w, h = self._input(frame)
        boxes, scores = self.session.run(["boxes", "scores"], {"images": blob})
        boxes, scores = boxes[0], scores[0]
        classes, best = scores.argmax(axis=1), scores.max(axis=1)
        keep = best >= self.threshold
        boxes, classes, best = boxes[keep], classes[keep], best[keep]
        if not len(boxes):
            return [], []
        xywh = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        kept = np.asarray(cv2.dnn.NMSBoxesBatched(xywh, best, classes.astype(np.int32), self.threshold, self.iou)).reshape(-1)
        fh, fw = frame.shape[:2]
        scaled = boxes[kept] * np.array([fw / w, fh / h, fw / w, fh / h], np.float32)
        scaled = scaled.clip(0, [fw, fh, fw, fh]).round(1)
        out = np.concatenate([scaled, best[kept, None]], axis=1)
        return classes[kept].tolist(), out.ravel().tolist()
