// The stream of live pictures: GET live?cameras=… answers with parts, each of which is two lengths
// of 4 bytes, of a JSON text and of a JPEG picture, and then both.

// parts yields {picture, status, jpeg} until the stream ends or is aborted.
export async function* parts(response) {
  const reader = response.body.getReader();
  let chunks = [];
  let have = 0;
  // take returns the next n bytes, or null at the end.
  const take = async (n) => {
    while (have < n) {
      const { done, value } = await reader.read().catch(() => ({ done: true })); // the connection has ended
      if (done) return null;
      chunks.push(value);
      have += value.length;
    }
    const all = new Uint8Array(have);
    let at = 0;
    for (const c of chunks) {
      all.set(c, at);
      at += c.length;
    }
    chunks = have > n ? [all.subarray(n)] : [];
    have -= n;
    return all.subarray(0, n);
  };
  const text = new TextDecoder();
  for (;;) {
    const lengths = await take(8);
    if (!lengths) return;
    const view = new DataView(lengths.buffer, lengths.byteOffset, 8);
    const [head, jpeg] = [view.getUint32(0), view.getUint32(4)];
    const body = await take(head + jpeg);
    if (!body) return;
    yield { ...JSON.parse(text.decode(body.subarray(0, head))), jpeg: body.slice(head) };
  }
}

// Stream asks for cameras, again with pauses that grow while there is no connection. on has the functions
// picture(picture, jpeg), status(status), lost(error).
export class Stream {
  constructor(api, on) {
    this.api = api;
    this.on = on;
    this.key = '';
    this.failures = 0;
  }

  // ask changes what is asked for; null ends the stream.
  ask(params) {
    const key = JSON.stringify(params);
    if (key === this.key) return;
    this.key = key;
    this.abort?.abort();
    clearTimeout(this.timer);
    if (params) this.run(params);
  }

  async run(params) {
    const abort = new AbortController();
    this.abort = abort;
    let error = null;
    try {
      const response = await this.api.stream('live', params, { signal: abort.signal });
      for await (const part of parts(response)) {
        if (abort.signal.aborted) return;
        this.failures = 0;
        if (part.picture) this.on.picture(part.picture, part.jpeg);
        if (part.status) this.on.status(part.status);
      }
    } catch (e) {
      error = e;
    }
    if (abort.signal.aborted) return;
    this.on.lost(error);
    this.failures++;
    this.timer = setTimeout(() => this.run(params), Math.min(500 * 2 ** this.failures, 8000));
  }
}
