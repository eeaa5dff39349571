"""A Kafka topic to PostgreSQL: consume.py CONFIG NUMBER. See bench/compare for the config.

tuned: batches by COPY, the offsets in the same transaction, a start at the offsets there.
naive: one record, one INSERT, one commit; Kafka keeps the offsets, now and then.
"""

import json
import signal
import sys
from datetime import datetime, timedelta, timezone

import orjson
import psycopg
from confluent_kafka import Consumer, KafkaException

from cameras import now

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
COLUMNS = {
    "captured_at": "timestamptz", "camera_id": "int4", "run_id": "int4", "seq": "int8", "pts_us": "int8", "grabbed_at": "timestamptz",
    "decoded_at": "timestamptz", "inferred_at": "timestamptz", "produced_at": "timestamptz", "batch_id": "int8", "dropped_before": "int4",
    "width": "int2", "height": "int2", "people": "int2", "objects": "int2", "class_ids": "int2[]", "boxes": "float4[]",
}
MOST = 500  # records of a transaction


def moment(us):
    return EPOCH + timedelta(microseconds=us)


def row(r, batch):
    classes = r["class_ids"]
    return (
        moment(r["captured_at"]), r["camera_id"], r["run_id"], r["seq"], r["pts_us"], moment(r["grabbed_at"]), moment(r["decoded_at"]),
        moment(r["inferred_at"]), moment(r["produced_at"]), batch, 0, r["width"], r["height"], classes.count(0), len(classes),
        classes or None, r["boxes"] or None,
    )


class Sink:
    def __init__(self, cfg, number):
        self.cfg, self.number = cfg, number
        self.db = psycopg.connect(cfg["database"])
        self.batches = []
        self.stopped = self.ready = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_):
        self.stopped = True

    def _say_ready(self, partitions):
        if partitions and not self.ready:
            self.ready = True
            print(f"ready={len(partitions)}", flush=True)

    def next_batch(self):
        return self.number * 1_000_000_000 + len(self.batches)

    def done(self, batch, fetched, records):
        self.batches.append((batch, moment(fetched), moment(now()), records))

    def write_batches(self):
        """The times of the batches: after the measurement, so that they cost nothing in it."""
        with self.db.cursor() as cur, cur.copy("COPY batches FROM STDIN") as copy:
            for batch in self.batches:
                copy.write_row(batch)
        self.db.commit()

    def tuned(self):
        consumer = Consumer({
            "bootstrap.servers": self.cfg["brokers"], "group.id": "baseline", "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "isolation.level": "read_committed", "socket.nagle.disable": True,
        })

        def assigned(c, partitions):
            with self.db.cursor() as cur:
                stored = dict(cur.execute("SELECT partition, next FROM consumer_offsets").fetchall())
            self.db.commit()
            for p in partitions:
                p.offset = stored.get(p.partition, 0)
            c.assign(partitions)
            self._say_ready(partitions)

        consumer.subscribe([self.cfg["topic"]], on_assign=assigned)
        names, types = ", ".join(COLUMNS), list(COLUMNS.values())
        while not self.stopped:
            first = consumer.poll(0.5)
            if first is None:
                continue
            messages = [first, *consumer.consume(MOST - 1, timeout=0)]
            fetched, batch = now(), self.next_batch()
            offsets = {}
            with self.db.cursor() as cur:
                with cur.copy(f"COPY sightings ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(types)
                    for m in messages:
                        if m.error():
                            raise KafkaException(m.error())
                        copy.write_row(row(orjson.loads(m.value()), batch))
                        offsets[m.partition()] = m.offset() + 1
                cur.executemany(
                    "INSERT INTO consumer_offsets VALUES (%s, %s) ON CONFLICT (partition) DO UPDATE SET next = excluded.next",
                    list(offsets.items()))
            self.db.commit()
            self.done(batch, fetched, len(messages))
        consumer.close()

    def naive(self):
        consumer = Consumer({"bootstrap.servers": self.cfg["brokers"], "group.id": "baseline", "auto.offset.reset": "earliest"})
        consumer.subscribe([self.cfg["topic"]], on_assign=lambda c, partitions: self._say_ready(partitions))
        insert = f"INSERT INTO sightings ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"
        while not self.stopped:
            m = consumer.poll(1.0)
            if m is None:
                continue
            if m.error():
                raise KafkaException(m.error())
            fetched, batch = now(), self.next_batch()
            with self.db.cursor() as cur:
                cur.execute(insert, row(json.loads(m.value()), batch))
            self.db.commit()
            self.done(batch, fetched, 1)
        consumer.close()


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        cfg = json.load(f)
    sink = Sink(cfg, int(sys.argv[2]))
    (sink.tuned if cfg["mode"] == "tuned" else sink.naive)()
    sink.write_batches()
    print("done=1", flush=True)


main()
