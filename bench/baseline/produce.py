"""Cameras to a Kafka topic: produce.py CONFIG. See bench/compare for the config.

tuned: a reader thread for each camera, an idempotent producer without linger, orjson.
naive: one frame after the other in one thread, json, the producer's defaults.
"""

import json
import queue
import signal
import sys
import threading

import orjson
from confluent_kafka import Producer

from cameras import Camera, now
from detector import Detector

START_DELAY = 500_000  # microseconds from here to the first frame


class Log:
    """The topic. It counts what was acknowledged."""

    def __init__(self, cfg):
        self.topic, self.tuned = cfg["topic"], cfg["mode"] == "tuned"
        settings = {"bootstrap.servers": cfg["brokers"]}
        if self.tuned:
            settings |= {"enable.idempotence": True, "acks": "all", "linger.ms": 0, "socket.nagle.disable": True}
        self.producer = Producer(settings)
        self.acked, self.errors = {}, []
        self.encode = orjson.dumps if self.tuned else lambda v: json.dumps(v).encode()

    def _delivered(self, error, message):
        if error:
            self.errors.append(str(error))
        else:
            key = message.key().decode()
            self.acked[key] = self.acked.get(key, 0) + 1

    def send(self, name, record):
        record["produced_at"] = now()
        self.producer.produce(self.topic, self.encode(record), key=name, on_delivery=self._delivered)
        self.producer.poll(0)

    def close(self):
        self.producer.flush(60)


def finish(detector, frame, record):
    record["class_ids"], record["boxes"] = detector.detect(frame)
    record["inferred_at"] = now()
    return record


def tuned(cameras, detector, log, start, length):
    """A thread for each camera reads; this one detects and sends."""
    frames = queue.Queue(maxsize=4 * len(cameras))  # a reader waits when it is full: frames come late, none is lost
    failed = []

    def read(camera):
        try:
            for seq, due in enumerate(camera.schedule(start, length)):
                frames.put((camera, *camera.read(seq, due)))
        except Exception as error:
            failed.append(error)
        finally:
            frames.put(None)

    for camera in cameras:
        threading.Thread(target=read, args=(camera,), daemon=True).start()
    sent = {c.name: 0 for c in cameras}
    playing = len(cameras)
    while playing:
        got = frames.get()
        if got is None:
            playing -= 1
            continue
        camera, frame, record = got
        log.send(camera.name, finish(detector, frame, record))
        sent[camera.name] += 1
    if failed:
        raise failed[0]
    return sent


def naive(cameras, detector, log, start, length):
    """One frame after the other, in the order in which they are due."""
    sent = {c.name: 0 for c in cameras}
    schedule = sorted((due, i) for i, c in enumerate(cameras) for due in c.schedule(start, length))
    for due, i in schedule:
        camera = cameras[i]
        frame, record = camera.read(sent[camera.name], due)
        log.send(camera.name, finish(detector, frame, record))
        sent[camera.name] += 1
    return sent


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(sys.argv[1], encoding="utf-8") as f:
        cfg = json.load(f)
    is_tuned = cfg["mode"] == "tuned"
    detector = Detector(cfg["model"], cfg["side"], cfg["threads"], is_tuned)
    specs = cfg["cameras"]
    cameras = [Camera(i, len(specs), spec, cfg["fps"]) for i, spec in enumerate(specs)]
    # The first call of everything is slow: it is made before the first frame is due.
    frame, _ = Camera(0, 1, specs[0], cfg["fps"]).read(0, 0)
    detector.detect(frame)
    log = Log(cfg)
    log.producer.list_topics(cfg["topic"], timeout=30)
    start, length = now() + START_DELAY, cfg["length_us"]
    print(f"start={start}", flush=True)
    sent = (tuned if is_tuned else naive)(cameras, detector, log, start, length)
    log.close()
    report = {"cameras": [
        {"name": c.name, "interval_us": c.interval, "phase_us": c.phase, "sent": sent[c.name], "acked": log.acked.get(c.name, 0)} for c in cameras
    ], "errors": log.errors[:5]}
    print("report=" + json.dumps(report), flush=True)
    signal.pause()  # until it is stopped: what it has used can be read as long as it is there


main()
