"""Files that are played as cameras: frame k of a camera is due at a moment fixed beforehand."""

import time

import cv2


def now():
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def sleep_until(due):
    left = due - now()
    if left > 0:
        time.sleep(left / 1e6)


class Camera:
    """Plays a clip from its beginning again when it ends."""

    def __init__(self, index, of, spec, fps):
        self.id, self.run_id, self.name = spec["id"], spec["run_id"], spec["name"]
        self.clip = cv2.VideoCapture(spec["clip"], cv2.CAP_FFMPEG)
        if not self.clip.isOpened():
            raise SystemExit(f"baseline: {spec['clip']}: OpenCV cannot open it")
        self.interval = round(1e6 / (fps or self.clip.get(cv2.CAP_PROP_FPS)))
        self.phase = index * self.interval // of

    def schedule(self, start, length):
        """When each frame is due."""
        due = start + self.phase
        while due < start + length:
            yield due
            due += self.interval

    def read(self, seq, due):
        """The next frame and its record so far."""
        sleep_until(due)
        grabbed = now()
        if not self.clip.grab():
            self.clip.set(cv2.CAP_PROP_POS_FRAMES, 0)
            if not self.clip.grab():
                raise RuntimeError(f"{self.name}: no frame {seq}")
        ok, frame = self.clip.retrieve()
        if not ok:
            raise RuntimeError(f"{self.name}: frame {seq} is damaged")
        h, w = frame.shape[:2]
        return frame, {
            "camera_id": self.id, "run_id": self.run_id, "seq": seq, "pts_us": seq * self.interval, "captured_at": due,
            "grabbed_at": grabbed, "decoded_at": now(), "width": w, "height": h,
        }
