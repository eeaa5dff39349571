"""confluent-kafka (librdkafka)."""

import confluent_kafka
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType,
)

import cases
from cases import BROKERS, expect, name, values

ADMIN = AdminClient({"bootstrap.servers": BROKERS})


def create(topic, partitions=2, admin=ADMIN):
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)


def producer(**more):
    return Producer({"bootstrap.servers": BROKERS, "linger.ms": 20, **{k.replace("_", "."): v for k, v in more.items()}})


def write(p, topic, batch, partition=0):
    failed = []
    for v in batch:
        p.produce(topic, v, key=b"key", partition=partition, headers={"h": b"1"}, on_delivery=lambda e, _: e and failed.append(e))
    left = p.flush(30)
    expect((left, failed), (0, []), "unsent, failed")


def read(topic, n, **more):
    c = Consumer({"bootstrap.servers": BROKERS, "group.id": name("reader"), "enable.auto.commit": False, **more})
    c.assign([TopicPartition(topic, 0, 0)])
    got = take(c, n)
    c.close()
    return got


def take(c, n):
    got = []
    while len(got) < n:
        m = c.poll(1)
        if m is not None and not m.error():
            got.append(m.value())
        elif m is not None and m.error().code() != KafkaError._PARTITION_EOF:
            raise confluent_kafka.KafkaException(m.error())
    return got


def round_trip(**settings):
    topic = name("confluent")
    create(topic)
    write(producer(**settings), topic, values())
    expect(read(topic, 50), values(), "values")


def group(**settings):
    topic, id = name("confluent"), name("group")
    create(topic, 4)
    p = producer()
    for partition in range(4):
        write(p, topic, values(10), partition)
    conf = {"bootstrap.servers": BROKERS, "group.id": id, "auto.offset.reset": "earliest", "enable.auto.commit": False, **settings}
    one, two = Consumer(conf), Consumer(conf)
    one.subscribe([topic])
    take(one, 40)
    one.commit(asynchronous=False)
    two.subscribe([topic])
    while not (len(one.assignment()) == len(two.assignment()) == 2):
        for c in (one, two):
            m = c.poll(0.1)
            if m is not None and m.error() is None:
                raise AssertionError("a committed record came again")
    one.close()
    while len(two.assignment()) < 4:
        two.poll(0.1)
    for partition in range(4):
        write(p, topic, [b"later %d" % partition], partition)
    expect(sorted(take(two, 4)), [b"later %d" % i for i in range(4)], "after the commit")
    two.commit(asynchronous=False)
    expect([p.offset for p in two.committed([TopicPartition(topic, i) for i in range(4)])], [11] * 4, "committed")
    two.close()


def transactions():
    source, topic, id = name("confluent"), name("confluent"), name("group")
    create(source)
    create(topic)
    write(producer(), source, values(5))
    c = Consumer({"bootstrap.servers": BROKERS, "group.id": id, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    c.subscribe([source])
    take(c, 5)
    p = producer(transactional_id=name("txn"))
    p.init_transactions(30)
    p.begin_transaction()
    write(p, topic, [b"aborted"])
    p.abort_transaction(30)
    p.begin_transaction()
    write(p, topic, [b"committed"])
    p.send_offsets_to_transaction(c.position(c.assignment()), c.consumer_group_metadata(), 30)
    p.commit_transaction(30)
    expect(read(topic, 1, **{"isolation.level": "read_committed"}), [b"committed"], "committed")
    expect(read(topic, 2, **{"isolation.level": "read_uncommitted"}), [b"aborted", b"committed"], "all")
    expect(c.committed([TopicPartition(source, 0)], 30)[0].offset, 5, "offset of the transaction")
    c.close()


def topics():
    topic = name("confluent")
    create(topic)
    ADMIN.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
    while len(ADMIN.list_topics(topic, 30).topics[topic].partitions) != 3:
        pass
    ADMIN.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
        ConfigEntry("retention.ms", "7777777", incremental_operation=AlterConfigOpType.SET)])])
    resource = ConfigResource(ResourceType.TOPIC, topic)
    while ADMIN.describe_configs([resource])[resource].result(30)["retention.ms"].value != "7777777":
        pass
    ADMIN.delete_topics([topic])[topic].result(30)
    while topic in ADMIN.list_topics(timeout=30).topics:
        pass


def offsets():
    topic = name("confluent")
    create(topic)
    write(producer(), topic, values(7))
    p = TopicPartition(topic, 0)
    for spec, want in ((OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 7), (OffsetSpec.for_timestamp(1), 0)):
        expect(ADMIN.list_offsets({p: spec})[p].result(30).offset, want, "offset")
    ADMIN.delete_records([TopicPartition(topic, 0, 3)])[p].result(30)
    expect(ADMIN.list_offsets({p: OffsetSpec.earliest()})[p].result(30).offset, 3, "first offset")


def groups():
    topic, id = name("confluent"), name("group")
    create(topic)
    c = Consumer({"bootstrap.servers": BROKERS, "group.id": id})
    c.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    c.close()
    expect(id in [g.group_id for g in ADMIN.list_consumer_groups().result(30).valid], True, "listed")
    expect(ADMIN.describe_consumer_groups([id])[id].result(30).state.name, "EMPTY", "state")
    ADMIN.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(id, [TopicPartition(topic, 1, 4)])])[id].result(30)
    got = ADMIN.list_consumer_group_offsets([ConsumerGroupTopicPartitions(id)])[id].result(30)
    expect(sorted((p.partition, p.offset) for p in got.topic_partitions), [(0, 0), (1, 4)], "offsets")
    ADMIN.delete_consumer_groups([id])[id].result(30)
    expect(id in [g.group_id for g in ADMIN.list_consumer_groups().result(30).valid], False, "listed")


def sasl():
    conf = {"bootstrap.servers": cases.SECURE, "security.protocol": "SASL_SSL", "ssl.ca.location": cases.CA,
            "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": cases.USER, "sasl.password": cases.PASSWORD}
    topic = name("confluent")
    create(topic, admin=AdminClient(conf))
    write(Producer(conf), topic, values(3))


cases.run(confluent_kafka.version()[0] if isinstance(confluent_kafka.version(), tuple) else confluent_kafka.version(), {
    "produce": lambda: round_trip(acks="all"),
    "idempotent": lambda: round_trip(enable_idempotence=True),
    **{codec: lambda codec=codec: round_trip(compression_type=codec) for codec in ("gzip", "snappy", "lz4", "zstd")},
    "group": group,
    "consumer-protocol": lambda: group(**{"group.protocol": "consumer"}),
    "transactions": transactions,
    "topics": topics,
    "offsets": offsets,
    "groups": groups,
    "sasl": sasl,
})
