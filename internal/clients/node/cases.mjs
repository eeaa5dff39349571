// What the programs of this directory share: the cases one after the other, each with a
// line on standard output (internal/clients/doc.go has its form), and values to write.

import { randomUUID } from 'node:crypto'

export const brokers = process.env.BROKERS
export const secure = process.env.SECURE_BROKERS ?? ''
export const ca = process.env.CA_FILE ?? ''
export const user = 'tester'
export const password = 'secret'
const seconds = 60 // for which a case may take

export class Absent extends Error {} // the client has no such thing

export const values = (n = 50) =>
  Array.from({ length: n }, (_, i) => `value ${String(i).padStart(3, '0')} of a batch that can be compressed`)

export const name = kind => `${kind}-${randomUUID().slice(0, 8)}`

export function expect (got, want, what) {
  const text = v => JSON.stringify(v, (_, x) => (typeof x === 'bigint' ? Number(x) : x))
  if (text(got) !== text(want)) {
    throw new Error(`${what}: ${text(got)}, not ${text(want)}`)
  }
}

// until repeats a question until its answer is true; the limit of the case ends it.
export async function until (holds) {
  while (!(await holds())) {
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

export function report (word, name, cause) {
  const text = cause === undefined ? '' : ': ' + String(cause).replace(/\s+/g, ' ').slice(0, 300)
  process.stdout.write(`${word} ${name}${text}\n`)
}

const causes = e => [e?.message ?? e, ...(e?.errors ?? []).map(causes), ...(e?.cause ? [causes(e.cause)] : [])].join('; ')

// run runs the cases, functions by name.
export async function run (version, cases) {
  report('version', version)
  for (const [name, run] of Object.entries(cases)) {
    if (name === 'sasl' && !secure) {
      continue
    }
    let timer
    const limit = new Promise((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${seconds} seconds`)), seconds * 1000)
    })
    try {
      await Promise.race([run(), limit])
      report('ok', name)
    } catch (e) {
      console.error(e)
      report(e instanceof Absent ? 'absent' : 'failed', name, causes(e))
    }
    clearTimeout(timer)
  }
  process.exit(0) // without waiting for what the clients left
}
