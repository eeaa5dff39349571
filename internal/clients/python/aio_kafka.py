"""aiokafka."""

import asyncio

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.helpers import create_ssl_context

import cases
from cases import BROKERS, expect, name, values


class Started:
    """A client that is started and stopped by `async with`."""

    def __init__(self, client):
        self.client = client

    async def __aenter__(self):
        await self.client.start()
        return self.client

    async def __aexit__(self, *_):
        await (self.client.close if isinstance(self.client, AIOKafkaAdminClient) else self.client.stop)()


def admin(**more):
    return Started(AIOKafkaAdminClient(**{"bootstrap_servers": BROKERS, **more}))


def producer(**more):
    return Started(AIOKafkaProducer(**{"bootstrap_servers": BROKERS, "linger_ms": 20, **more}))


def consumer(*topics, **more):
    return Started(AIOKafkaConsumer(*topics, bootstrap_servers=BROKERS, auto_offset_reset="earliest", enable_auto_commit=False,
                                    heartbeat_interval_ms=300, **more))


async def create(topic, partitions=2, **more):
    async with admin(**more) as a:
        got = await a.create_topics([NewTopic(topic, partitions, 1)])
        expect([e[1] for e in got.topic_errors], [0], "errors")


async def write(p, topic, batch, partition=0):
    for sent in [await p.send(topic, v, key=b"key", partition=partition, headers=[("h", b"1")]) for v in batch]:
        await sent


async def take(c, n):
    got = []
    while len(got) < n:
        for batch in (await c.getmany(timeout_ms=500)).values():
            got += [m.value for m in batch]
    return got


async def read(topic, n, **more):
    async with consumer(**more) as c:
        c.assign([TopicPartition(topic, 0)])
        return await take(c, n)


async def round_trip(**settings):
    topic = name("aiokafka")
    await create(topic)
    async with producer(**settings) as p:
        await write(p, topic, values())
    expect(await read(topic, 50), values(), "values")


async def group():
    topic, id = name("aiokafka"), name("group")
    await create(topic, 4)
    async with producer() as p, consumer(topic, group_id=id) as two:
        async with consumer(topic, group_id=id) as one:
            for partition in range(4):
                await write(p, topic, values(10), partition)
            while not (len(one.assignment()) == len(two.assignment()) == 2):
                await asyncio.sleep(0.05)
            await asyncio.gather(take(one, 20), take(two, 20))
            await asyncio.gather(one.commit(), two.commit())
        while len(two.assignment()) < 4:
            await asyncio.sleep(0.05)
        for partition in range(4):
            await write(p, topic, [b"later %d" % partition], partition)
        expect(sorted(await take(two, 4)), [b"later %d" % i for i in range(4)], "after the commit")
        await two.commit()
        expect([await two.committed(TopicPartition(topic, i)) for i in range(4)], [11] * 4, "committed")


async def transactions():
    source, topic, id = name("aiokafka"), name("aiokafka"), name("group")
    await create(source)
    await create(topic)
    async with producer(transactional_id=name("txn")) as p, producer() as plain, consumer(source, group_id=id) as c:
        await write(plain, source, values(5))
        await take(c, 5)
        await p.begin_transaction()
        await write(p, topic, [b"aborted"])
        await p.abort_transaction()
        async with p.transaction():
            await write(p, topic, [b"committed"])
            await p.send_offsets_to_transaction({TopicPartition(source, 0): 5}, id)
        expect(await read(topic, 1, isolation_level="read_committed"), [b"committed"], "committed")
        expect(await read(topic, 2, isolation_level="read_uncommitted"), [b"aborted", b"committed"], "all")
        expect(await c.committed(TopicPartition(source, 0)), 5, "offset of the transaction")


async def topics():
    topic = name("aiokafka")
    await create(topic)
    async with admin() as a:
        await a.create_partitions({topic: NewPartitions(3)})
        while len((await a.describe_topics([topic]))[0]["partitions"]) != 3:
            await asyncio.sleep(0.05)
        await a.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "7777777"})])
        while "7777777" not in str(await a.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])):
            await asyncio.sleep(0.05)
        await a.delete_topics([topic])
        while topic in await a.list_topics():
            await asyncio.sleep(0.05)


async def offsets():
    topic = name("aiokafka")
    await create(topic)
    p = TopicPartition(topic, 0)
    async with producer() as sender, consumer() as c, admin() as a:
        await write(sender, topic, values(7))
        expect((await c.beginning_offsets([p]), await c.end_offsets([p])), ({p: 0}, {p: 7}), "offsets")
        expect((await c.offsets_for_times({p: 1}))[p].offset, 0, "offset by time")
        await a.delete_records({p: RecordsToDelete(before_offset=3)})
        expect(await c.beginning_offsets([p]), {p: 3}, "first offset")


async def groups():
    topic, id = name("aiokafka"), name("group")
    await create(topic)
    async with consumer(group_id=id) as c, admin() as a:
        c.assign([TopicPartition(topic, 0)])
        await c.commit({TopicPartition(topic, 0): 0})
        expect(id in [g[0] for g in await a.list_consumer_groups()], True, "listed")
        expect("Empty" in str(await a.describe_consumer_groups([id])), True, "empty")
        expect((await a.list_consumer_group_offsets(id))[TopicPartition(topic, 0)].offset, 0, "offset")


async def sasl():
    conf = {"bootstrap_servers": cases.SECURE, "security_protocol": "SASL_SSL",
            "ssl_context": create_ssl_context(cafile=cases.CA), "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_plain_username": cases.USER, "sasl_plain_password": cases.PASSWORD}
    topic = name("aiokafka")
    await create(topic, **conf)
    async with producer(**conf) as p:
        await write(p, topic, values(3))


def case(coroutine, **settings):
    return lambda: asyncio.run(coroutine(**settings))


cases.run(aiokafka.__version__, {
    "produce": case(round_trip, acks="all"),
    "idempotent": case(round_trip, enable_idempotence=True),
    **{codec: case(round_trip, compression_type=codec) for codec in ("gzip", "snappy", "lz4", "zstd")},
    "group": case(group),
    "transactions": case(transactions),
    "topics": case(topics),
    "offsets": case(offsets),
    "groups": case(groups),
    "sasl": case(sasl),
})
