// @platformatic/kafka.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import zlib from 'node:zlib'
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { Absent, brokers, ca, expect, name, password, run, secure, until, user, values } from './cases.mjs'

const require = createRequire(import.meta.url)
const { version } = JSON.parse(readFileSync(require.resolve('@platformatic/kafka').replace(/dist.*/, 'package.json')))

const base = { clientId: 'tester', bootstrapBrokers: brokers.split(',') }
const admin = new Admin(base)

const create = (topic, partitions = 2, by = admin) => by.createTopics({ topics: [topic], partitions, replicas: 1 })

const producer = (options = {}) => new Producer({ ...base, serializers: stringSerializers, acks: -1, ...options })

const write = (p, topic, batch, partition = 0) =>
  p.send({ messages: batch.map(value => ({ topic, key: 'key', value, partition, headers: { h: '1' } })) })

// reader starts a consumer, which collects what it reads; take awaits that n have come.
async function reader (topic, groupId, options = {}) {
  const c = new Consumer({
    ...base, groupId, deserializers: stringDeserializers, sessionTimeout: 10000, heartbeatInterval: 300, rebalanceTimeout: 10000, ...options
  })
  const stream = await c.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false, maxWaitTime: 100, ...options })
  const r = { consumer: c, got: [] }
  stream.on('data', m => r.got.push(m))
  stream.on('error', () => {}) // of a stream that is closed
  r.assigned = () => (c.assignments ?? []).flatMap(a => a.partitions).length
  stream.on('offsets', () => { r.positioned = r.assigned() })
  r.take = async n => {
    await until(() => r.got.length >= n)
    return r.got.map(m => m.value)
  }
  r.commit = () => c.commit({
    offsets: r.got.map(m => ({ topic, partition: m.partition, offset: m.offset + 1n, leaderEpoch: -1 }))
  })
  r.close = () => c.close(true)
  return r
}

async function readAll (topic, n, options) {
  const r = await reader(topic, name('reader'), options)
  const got = await r.take(n)
  await r.close()
  return got
}

async function roundTrip (options) {
  const topic = name('platformatic')
  await create(topic)
  await write(producer(options), topic, values())
  expect(await readAll(topic, 50), values(), 'values')
}

async function group (options) {
  const [topic, id] = [name('platformatic'), name('group')]
  await create(topic, 4)
  const p = producer()
  for (let i = 0; i < 4; i++) {
    await write(p, topic, values(10), i)
  }
  const one = await reader(topic, id, options)
  await one.take(40)
  await one.commit()
  const two = await reader(topic, id, options)
  // Records that it reads before it has its positions this client reads twice (docs/compatibility.md).
  await until(() => one.assigned() === 2 && two.assigned() === 2 && two.positioned === 2)
  await one.close()
  await until(() => two.assigned() === 4 && two.positioned === 4)
  for (let i = 0; i < 4; i++) {
    await write(p, topic, [`later ${i}`], i)
  }
  expect((await two.take(4)).sort(), [0, 1, 2, 3].map(i => `later ${i}`), 'after the commit')
  await two.commit()
  const [committed] = await admin.listConsumerGroupOffsets({ groups: [id] })
  expect(committed.topics[0].partitions.map(p => p.committedOffset), [11n, 11n, 11n, 11n], 'committed')
  await two.close()
}

async function transactions () {
  const [source, topic, id] = [name('platformatic'), name('platformatic'), name('group')]
  await create(source)
  await create(topic)
  await write(producer(), source, values(5))
  const r = await reader(source, id)
  await r.take(5)
  const p = producer({ transactionalId: name('txn'), idempotent: true })
  const aborted = await p.beginTransaction()
  await write(aborted, topic, ['aborted'])
  await aborted.abort()
  const committed = await p.beginTransaction()
  await write(committed, topic, ['committed'])
  await committed.addConsumer(r.consumer)
  await committed.addOffset(r.got[4])
  await committed.commit()
  expect(await readAll(topic, 1, { isolationLevel: 1 }), ['committed'], 'committed')
  expect(await readAll(topic, 2, { isolationLevel: 0 }), ['aborted', 'committed'], 'all')
  const [offsets] = await admin.listConsumerGroupOffsets({ groups: [id] })
  expect(offsets.topics[0].partitions.find(p => p.partitionIndex === 0).committedOffset, 5n, 'offset of the transaction')
  await r.close()
}

async function topics () {
  const topic = name('platformatic')
  await create(topic)
  await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] })
  await until(async () => (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount === 3)
  const resource = { resourceType: 2, resourceName: topic }
  await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: [{ name: 'retention.ms', configOperation: 0, value: '7777777' }] }] })
  await until(async () => {
    const [described] = await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: null }] })
    return described.configs.find(c => c.name === 'retention.ms').value === '7777777'
  })
  await admin.deleteTopics({ topics: [topic] })
  await until(async () => !(await admin.listTopics()).includes(topic))
}

async function offsets () {
  const topic = name('platformatic')
  await create(topic)
  await write(producer(), topic, values(7))
  const at = async timestamp => (await admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }] }))[0].partitions[0].offset
  expect([await at(-2n), await at(-1n), await at(1n)], [0n, 7n, 0n], 'offsets')
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] })
  expect(await at(-2n), 3n, 'first offset')
}

async function groups () {
  const [topic, id] = [name('platformatic'), name('group')]
  await create(topic)
  await admin.alterConsumerGroupOffsets({ groupId: id, topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 0n }, { partition: 1, offset: 4n }] }] })
  expect((await admin.listGroups()).has(id), true, 'listed')
  expect((await admin.describeGroups({ groups: [id] })).get(id).state.toUpperCase(), 'EMPTY', 'state')
  await admin.deleteGroups({ groups: [id] })
  expect((await admin.listGroups()).has(id), false, 'listed')
}

async function sasl () {
  const over = {
    bootstrapBrokers: secure.split(','), tls: { ca: [readFileSync(ca)] }, sasl: { mechanism: 'SCRAM-SHA-256', username: user, password }
  }
  const topic = name('platformatic')
  await create(topic, 2, new Admin({ ...base, ...over }))
  await write(producer(over), topic, values(3))
}

const codec = compression => () => roundTrip({ compression })

await run(version, {
  produce: () => roundTrip(),
  idempotent: () => roundTrip({ idempotent: true }),
  gzip: codec('gzip'),
  snappy: codec('snappy'),
  lz4: codec('lz4'),
  zstd: () => {
    if (!zlib.zstdCompressSync) {
      throw new Absent('needs Node.js 22.15')
    }
    return roundTrip({ compression: 'zstd' })
  },
  group: () => group(),
  'consumer-protocol': () => group({ groupProtocol: 'consumer' }),
  transactions,
  topics,
  offsets,
  groups,
  sasl
})
