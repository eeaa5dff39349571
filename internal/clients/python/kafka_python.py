"""kafka-python."""

import time

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic, OffsetSpec
from kafka.structs import OffsetAndMetadata

import cases
from cases import BROKERS, expect, name, values

ADMIN = KafkaAdminClient(bootstrap_servers=BROKERS)


def create(topic, partitions=2, admin=ADMIN):
    admin.create_topics([NewTopic(name=topic, num_partitions=partitions, replication_factor=1)])


def producer(**more):
    return KafkaProducer(bootstrap_servers=BROKERS, linger_ms=20, **more)


def write(p, topic, batch, partition=0):
    for sent in [p.send(topic, v, key=b"key", partition=partition, headers=[("h", b"1")]) for v in batch]:
        sent.get(30)


def read(topic, n, **more):
    c = KafkaConsumer(bootstrap_servers=BROKERS, group_id=None, **more)
    c.assign([TopicPartition(topic, 0)])
    c.seek_to_beginning()
    got = take(c, n)
    c.close()
    return got


def take(c, n):
    got = []
    while len(got) < n:
        for batch in c.poll(timeout_ms=500).values():
            got += [m.value for m in batch]
    return got


def round_trip(**settings):
    topic = name("kafka-python")
    create(topic)
    p = producer(**settings)
    write(p, topic, values())
    p.close()
    expect(read(topic, 50), values(), "values")


def member(id):
    return KafkaConsumer(bootstrap_servers=BROKERS, group_id=id, auto_offset_reset="earliest", enable_auto_commit=False,
                         heartbeat_interval_ms=300)


def group():
    topic, id = name("kafka-python"), name("group")
    create(topic, 4)
    p = producer()
    for partition in range(4):
        write(p, topic, values(10), partition)
    one, two = member(id), member(id)
    one.subscribe([topic])
    take(one, 40)
    one.commit()
    two.subscribe([topic])
    while not (len(one.assignment()) == len(two.assignment()) == 2):
        for c in (one, two):
            expect(c.poll(timeout_ms=200), {}, "committed records that came again")
    one.close()
    while len(two.assignment()) < 4:
        two.poll(timeout_ms=200)
    for partition in range(4):
        write(p, topic, [b"later %d" % partition], partition)
    expect(sorted(take(two, 4)), [b"later %d" % i for i in range(4)], "after the commit")
    two.commit()
    expect([two.committed(TopicPartition(topic, i)) for i in range(4)], [11] * 4, "committed")
    two.close()


def transactions():
    source, topic, id = name("kafka-python"), name("kafka-python"), name("group")
    create(source)
    create(topic)
    write(producer(), source, values(5))
    c = member(id)
    c.subscribe([source])
    take(c, 5)
    p = producer(transactional_id=name("txn"))
    p.init_transactions()
    p.begin_transaction()
    write(p, topic, [b"aborted"])
    p.abort_transaction()
    p.begin_transaction()
    write(p, topic, [b"committed"])
    p.send_offsets_to_transaction({TopicPartition(source, 0): OffsetAndMetadata(5, "", -1)}, c.group_metadata())
    p.commit_transaction()
    expect(read(topic, 1, isolation_level="read_committed"), [b"committed"], "committed")
    expect(read(topic, 2, isolation_level="read_uncommitted"), [b"aborted", b"committed"], "all")
    expect(c.committed(TopicPartition(source, 0)), 5, "offset of the transaction")
    c.close()


def topics():
    topic = name("kafka-python")
    create(topic)
    ADMIN.create_partitions({topic: NewPartitions(3)})
    while len(ADMIN.describe_topics([topic])[0]["partitions"]) != 3:
        time.sleep(0.05)
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "7777777"})
    ADMIN.alter_configs([resource])
    while "7777777" not in str(ADMIN.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])):
        time.sleep(0.05)
    ADMIN.delete_topics([topic])
    while topic in ADMIN.list_topics():
        time.sleep(0.05)


def offsets():
    topic = name("kafka-python")
    create(topic)
    write(producer(), topic, values(7))
    p = TopicPartition(topic, 0)
    for spec, want in ((OffsetSpec.EARLIEST, 0), (OffsetSpec.LATEST, 7)):
        expect(ADMIN.list_partition_offsets({p: spec})[p].offset, want, "offset")
    ADMIN.delete_records({p: 3})
    expect(ADMIN.list_partition_offsets({p: OffsetSpec.EARLIEST})[p].offset, 3, "first offset")


def groups():
    topic, id = name("kafka-python"), name("group")
    create(topic)
    p = TopicPartition(topic, 0)
    c = member(id)
    c.assign([p])
    c.commit({p: OffsetAndMetadata(0, "", -1)})
    c.close()
    expect(id in str(ADMIN.list_groups()), True, "listed")
    expect("Empty" in str(ADMIN.describe_groups([id])), True, "empty")
    ADMIN.alter_group_offsets(id, {TopicPartition(topic, 1): OffsetAndMetadata(4, "", -1)})
    got = ADMIN.list_group_offsets({id: [p, TopicPartition(topic, 1)]})[id]
    expect([got[TopicPartition(topic, i)].offset for i in (0, 1)], [0, 4], "offsets")
    ADMIN.delete_groups([id])
    expect(id in str(ADMIN.list_groups()), False, "listed")


def sasl():
    conf = {"bootstrap_servers": cases.SECURE, "security_protocol": "SASL_SSL", "ssl_cafile": cases.CA,
            "sasl_mechanism": "SCRAM-SHA-256", "sasl_plain_username": cases.USER, "sasl_plain_password": cases.PASSWORD}
    topic = name("kafka-python")
    create(topic, admin=KafkaAdminClient(**conf))
    write(KafkaProducer(**conf), topic, values(3))


cases.run(kafka.__version__, {
    "produce": lambda: round_trip(acks="all"),
    "idempotent": lambda: round_trip(enable_idempotence=True),
    **{codec: lambda codec=codec: round_trip(compression_type=codec) for codec in ("gzip", "snappy", "lz4", "zstd")},
    "group": group,
    "transactions": transactions,
    "topics": topics,
    "offsets": offsets,
    "groups": groups,
    "sasl": sasl,
})
