// The requests of the page. Errors are those of RFC 9457 (application/problem+json), thrown as Problem.

const base = new URL('api/v1/', document.baseURI);

export class Problem extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    Object.assign(this, { name: 'Problem', status, title, detail });
  }
}

// The server's clock less this one's, in ms. What is recorded has the server's times, and the clock of a telephone
// or a kiosk may be hours off.
let skew = 0;
const alike = 5000; // ms: the header has seconds, and takes a while to come

// now returns the present time by the server's clock, in ms.
export const now = () => Date.now() + skew;

function compareClocks(response) {
  const off = Date.parse(response.headers.get('Date') || '') - Date.now();
  if (!Number.isNaN(off)) skew = Math.abs(off) > alike ? off : 0;
}

let csrf = '';
let refused = () => {};

// onRefused sets the function that is called when a request needs a user who is logged in.
export const onRefused = (f) => { refused = f; };

// address of a resource of the API: params that are undefined, null, '' or [] are left out, arrays are joined by commas.
export function address(path, params = {}) {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(params)) {
    const text = Array.isArray(value) ? value.join(',') : value ?? '';
    if (text !== '') url.searchParams.set(name, text);
  }
  return url;
}

// send makes a request and returns the Response, of which nothing is read yet.
async function send(method, path, { params, body, headers = {}, signal } = {}) {
  const init = { method, signal, headers: { Accept: 'application/json, application/problem+json', ...headers }, credentials: 'same-origin' };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers['Content-Type'] ??= 'application/json';
  }
  if (method !== 'GET') init.headers['X-CSRF-Token'] = csrf;
  let response;
  try {
    response = await fetch(address(path, params), init);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, 'sightlog does not answer', 'sightlog does not answer: it has ended, or the network is interrupted');
  }
  compareClocks(response);
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  const detail = [told.detail, told.hint].filter(Boolean).join(': ');
  const problem = new Problem(response.status, told.title || response.statusText || `status ${response.status}`, detail);
  if (response.status === 401 && path !== 'login') refused(problem);
  throw problem;
}

async function json(method, path, options) {
  const response = await send(method, path, options);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

export const api = {
  address,
  get: (path, params, options) => json('GET', path, { params, ...options }),
  post: (path, body, options) => json('POST', path, { body, ...options }),
  put: (path, body, options) => json('PUT', path, { body, ...options }),
  delete: (path, options) => json('DELETE', path, options),
  // raw returns the Response: for headers (ETag), or a body that is read while it comes.
  raw: (method, path, options) => send(method, path, options),
  stream: (path, params, options) => send('GET', path, { params, ...options }),
  events,
  // session returns {user, role} and remembers the token that changes need.
  async session() {
    const session = await json('GET', 'session', {});
    csrf = session.csrf || '';
    return session;
  },
};

// One connection brings the events of all views: those kinds that somebody listens to.
let source = null;
let asked = '';
let again = 0;
const listeners = new Set();

// events calls f({type, data}) for each server-sent event of these types, until the returned function is called.
function events(types, f) {
  const listener = { types, f };
  listeners.add(listener);
  connect();
  return () => {
    listeners.delete(listener);
    connect();
  };
}

function connect() {
  const kinds = [...new Set([...listeners].flatMap((l) => l.types))].sort();
  if (kinds.join() === asked) return;
  asked = kinds.join();
  source?.close();
  source = null;
  if (!kinds.length) return;
  source = new EventSource(address('events') + '?' + kinds.map((k) => `kind=${k}`).join('&'));
  // A connection that is lost is made again by the browser; one that was refused, as while sightlog starts, is not.
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) return;
    asked = '';
    clearTimeout(again);
    again = setTimeout(connect, 5000);
  };
  for (const type of kinds) {
    source.addEventListener(type, (e) => {
      for (const l of listeners) if (l.types.includes(type)) l.f({ type, data: JSON.parse(e.data) });
    });
  }
}
