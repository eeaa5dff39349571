// kafkajs, with its packages of codecs.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Absent, brokers, ca, expect, name, password, run, secure, until, user, values } from './cases.mjs'

const require = createRequire(import.meta.url)
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require('kafkajs')
const { version } = require('kafkajs/package.json')
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
// lz4 is fetched with its part in C not compiled, for another system. It has the same in JavaScript.
const inJavaScript = require.resolve('lz4/lib/utils-js')
require(inJavaScript)
require.cache[require.resolve('lz4/lib/utils')] = require.cache[inJavaScript]
CompressionCodecs[CompressionTypes.LZ4] = new (require('kafkajs-lz4'))().codec

const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
const admin = kafka.admin()
await admin.connect()

const create = (topic, numPartitions = 2, by = admin) => by.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true })

async function producer (options) {
  const p = kafka.producer(options)
  await p.connect()
  return p
}

const write = (p, topic, batch, partition = 0, options = {}) =>
  p.send({ topic, messages: batch.map(value => ({ key: 'key', value, partition, headers: { h: '1' } })), acks: -1, ...options })

// reader runs a consumer, which collects what it reads; n more is awaited by take.
async function reader (topic, groupId, options = {}) {
  const c = kafka.consumer({ groupId, heartbeatInterval: 300, rebalanceTimeout: 5000, maxWaitTimeInMs: 100, ...options })
  const r = { consumer: c, got: [], assigned: 0 }
  c.on(c.events.GROUP_JOIN, e => { r.assigned = Object.values(e.payload.memberAssignment).flat().length })
  await c.connect()
  await c.subscribe({ topics: [topic], fromBeginning: true })
  await c.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => { r.got.push({ partition, offset: message.offset, value: message.value.toString() }) }
  })
  r.take = async n => {
    await until(() => r.got.length >= n)
    return r.got.map(m => m.value)
  }
  r.commit = () => c.commitOffsets(r.got.map(m => ({ topic, partition: m.partition, offset: String(Number(m.offset) + 1) })))
  return r
}

async function readAll (topic, n, options) {
  const r = await reader(topic, name('reader'), options)
  const got = await r.take(n)
  await r.consumer.disconnect()
  return got
}

async function roundTrip (options, sending) {
  const topic = name('kafkajs')
  await create(topic)
  await write(await producer(options), topic, values(), 0, sending)
  expect(await readAll(topic, 50), values(), 'values')
}

async function group () {
  const [topic, id] = [name('kafkajs'), name('group')]
  await create(topic, 4)
  const p = await producer()
  for (let i = 0; i < 4; i++) {
    await write(p, topic, values(10), i)
  }
  const one = await reader(topic, id)
  await one.take(40)
  await one.commit()
  const two = await reader(topic, id)
  await until(() => one.assigned === 2 && two.assigned === 2)
  await one.consumer.disconnect()
  await until(() => two.assigned === 4)
  for (let i = 0; i < 4; i++) {
    await write(p, topic, [`later ${i}`], i)
  }
  expect((await two.take(4)).sort(), [0, 1, 2, 3].map(i => `later ${i}`), 'after the commit')
  await two.commit()
  const [{ partitions }] = await admin.fetchOffsets({ groupId: id, topics: [topic] })
  expect(partitions.map(p => p.offset), ['11', '11', '11', '11'], 'committed')
  await two.consumer.disconnect()
}

async function transactions () {
  const [source, topic, id] = [name('kafkajs'), name('kafkajs'), name('group')]
  await create(source)
  await create(topic)
  const p = await producer({ transactionalId: name('txn'), maxInFlightRequests: 1, idempotent: true })
  const aborted = await p.transaction()
  await write(aborted, topic, ['aborted'])
  await aborted.abort()
  const committed = await p.transaction()
  await write(committed, topic, ['committed'])
  await committed.sendOffsets({ consumerGroupId: id, topics: [{ topic: source, partitions: [{ partition: 0, offset: '5' }] }] })
  await committed.commit()
  expect(await readAll(topic, 1), ['committed'], 'committed')
  expect(await readAll(topic, 2, { readUncommitted: true }), ['aborted', 'committed'], 'all')
  const [{ partitions }] = await admin.fetchOffsets({ groupId: id, topics: [source] })
  expect(partitions.find(p => p.partition === 0).offset, '5', 'offset of the transaction')
}

async function topics () {
  const topic = name('kafkajs')
  await create(topic)
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  await until(async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length === 3)
  const resource = { type: 2, name: topic }
  await admin.alterConfigs({ resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '7777777' }] }] })
  await until(async () => JSON.stringify(await admin.describeConfigs({ resources: [resource], includeSynonyms: false })).includes('7777777'))
  await admin.deleteTopics({ topics: [topic] })
  await until(async () => !(await admin.listTopics()).includes(topic))
}

async function offsets () {
  const topic = name('kafkajs')
  await create(topic)
  await write(await producer(), topic, values(7))
  const first = async () => (await admin.fetchTopicOffsets(topic)).find(p => p.partition === 0)
  expect([(await first()).low, (await first()).high], ['0', '7'], 'offsets')
  const byTime = await admin.fetchTopicOffsetsByTimestamp(topic, 1)
  expect(byTime.find(p => p.partition === 0).offset, '0', 'offset by time')
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
  expect((await first()).low, '3', 'first offset')
}

async function groups () {
  const [topic, groupId] = [name('kafkajs'), name('group')]
  await create(topic)
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }, { partition: 1, offset: '4' }] })
  const listed = async () => (await admin.listGroups()).groups.some(g => g.groupId === groupId)
  expect(await listed(), true, 'listed')
  expect((await admin.describeGroups([groupId])).groups[0].state, 'Empty', 'state')
  await admin.deleteGroups([groupId])
  expect(await listed(), false, 'listed')
}

async function sasl () {
  const client = new Kafka({
    brokers: secure.split(','),
    logLevel: logLevel.NOTHING,
    ssl: { ca: [readFileSync(ca)] },
    sasl: { mechanism: 'scram-sha-256', username: user, password }
  })
  const topic = name('kafkajs')
  const by = client.admin()
  await by.connect()
  await create(topic, 2, by)
  const p = client.producer()
  await p.connect()
  await write(p, topic, values(3))
}

const codec = compression => () => roundTrip({}, { compression })

await run(version, {
  produce: () => roundTrip(),
  idempotent: () => roundTrip({ idempotent: true, maxInFlightRequests: 1 }),
  gzip: codec(CompressionTypes.GZIP),
  snappy: codec(CompressionTypes.Snappy),
  lz4: codec(CompressionTypes.LZ4),
  zstd: () => { throw new Absent('its codec is a package that has to be compiled') },
  group,
  transactions,
  topics,
  offsets,
  groups,
  sasl
})
