// The shapes of a camera while they are edited: a list with a history. Points are parts of the picture's width and height.
const clamp = (v) => Math.min(1, Math.max(0, v));
const round = (v) => Math.round(v * 1000) / 1000;

export const kinds = {
  zone: { label: 'Zone', least: 3, named: true },
  line: { label: 'Line', least: 2, most: 2, named: true },
  mask: { label: 'Mask', least: 3 },
  region: { label: 'Region', least: 4, most: 4 },
};

// fromAPI returns the list of an answer's shapes, toAPI the body of a list. What has been stored has the name that it was stored with.
export function fromAPI(a) {
  const list = [];
  for (const [name, points] of Object.entries(a.zones || {})) list.push({ kind: 'zone', name, was: name, points });
  for (const [name, points] of Object.entries(a.lines || {})) list.push({ kind: 'line', name, was: name, points });
  for (const points of a.masks || []) list.push({ kind: 'mask', name: '', points });
  if (a.region) list.push({ kind: 'region', name: '', points: corners(a.region) });
  return list;
}

export function toAPI(list) {
  const body = { zones: {}, lines: {}, masks: [], region: null, renamed: { zones: {}, lines: {} } };
  for (const s of list) {
    if (s.was && s.was !== s.name) body.renamed[`${s.kind}s`][s.was] = s.name;
    if (s.kind === 'zone') body.zones[s.name] = s.points;
    if (s.kind === 'line') body.lines[s.name] = s.points;
    if (s.kind === 'mask') body.masks.push(s.points);
    if (s.kind === 'region') body.region = [s.points[0][0], s.points[0][1], s.points[2][0], s.points[2][1]];
  }
  return body;
}

const corners = ([l, t, r, b]) => [[l, t], [r, t], [r, b], [l, b]];

// title of a shape; masks have numbers.
export function title(list, i) {
  const s = list[i];
  if (kinds[s.kind].named) return `${kinds[s.kind].label} ${s.name}`;
  if (s.kind === 'region') return 'Region';
  return `Mask ${list.slice(0, i + 1).filter((o) => o.kind === 'mask').length}`;
}

export class Shapes {
  constructor(list) {
    this.saved = JSON.stringify(list);
    this.list = list;
    this.past = [];
    this.future = [];
    this.selected = -1;
    this.snap = true;
  }

  get changed() { return JSON.stringify(this.list) !== this.saved; }

  // keep remembers the state before a change, for undo.
  keep() {
    this.past.push(JSON.stringify(this.list));
    if (this.past.length > 200) this.past.shift();
    this.future = [];
  }

  // written takes the list as what is stored, in its history, too.
  written() {
    const now = new Map(this.list.map((s) => [`${s.kind} ${s.was || s.name}`, s.name]));
    const stored = (list) => list.map((s) => ({ ...s, was: now.get(`${s.kind} ${s.was || s.name}`) }));
    this.list = stored(this.list);
    this.past = this.past.map((text) => JSON.stringify(stored(JSON.parse(text))));
    this.future = this.future.map((text) => JSON.stringify(stored(JSON.parse(text))));
    this.saved = JSON.stringify(this.list);
  }

  undo() { this.turn(this.past, this.future); }

  redo() { this.turn(this.future, this.past); }

  turn(from, to) {
    if (!from.length) return;
    to.push(JSON.stringify(this.list));
    this.list = JSON.parse(from.pop());
    this.selected = Math.min(this.selected, this.list.length - 1);
  }

  // put rounds a point, and snaps it to others, to edges and to whole percents.
  put(x, y, except) {
    x = clamp(x);
    y = clamp(y);
    if (this.snap) {
      for (const s of this.list) {
        for (const p of s.points) {
          if (p !== except && Math.hypot(p[0] - x, p[1] - y) < 0.012) return [...p];
        }
      }
      const near = (v) => (v < 0.012 ? 0 : v > 0.988 ? 1 : Math.round(v * 100) / 100);
      [x, y] = [near(x), near(y)];
    }
    return [round(x), round(y)];
  }

  add(kind, points) {
    this.keep();
    if (kind === 'region') this.list = this.list.filter((s) => s.kind !== 'region');
    if (kind === 'region') points = corners([
      Math.min(points[0][0], points[1][0]), Math.min(points[0][1], points[1][1]),
      Math.max(points[0][0], points[1][0]), Math.max(points[0][1], points[1][1])]);
    this.list.push({ kind, name: kinds[kind].named ? this.freeName(kind) : '', points });
    this.selected = this.list.length - 1;
  }

  freeName(kind) {
    for (let n = 1; ; n++) {
      const name = `${kind}${n}`;
      if (!this.list.some((s) => s.kind === kind && s.name === name)) return name;
    }
  }

  // move sets a point; a region stays a rectangle.
  move(i, k, [x, y]) {
    const s = this.list[i];
    if (s.kind !== 'region') {
      s.points[k] = [round(clamp(x)), round(clamp(y))];
      return;
    }
    let [l, t, r, b] = [s.points[0][0], s.points[0][1], s.points[2][0], s.points[2][1]];
    if (k === 0 || k === 3) l = Math.min(x, r - 0.01); else r = Math.max(x, l + 0.01);
    if (k < 2) t = Math.min(y, b - 0.01); else b = Math.max(y, t + 0.01);
    s.points = corners([l, t, r, b].map((v) => round(clamp(v))));
  }

  shift(i, dx, dy) {
    const s = this.list[i];
    const xs = s.points.map((p) => p[0]);
    const ys = s.points.map((p) => p[1]);
    dx = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
    dy = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
    s.points = s.points.map(([x, y]) => [round(x + dx), round(y + dy)]);
  }

  insert(i, k) {
    this.keep();
    const ps = this.list[i].points;
    const [a, b] = [ps[k], ps[(k + 1) % ps.length]];
    ps.splice(k + 1, 0, [round((a[0] + b[0]) / 2), round((a[1] + b[1]) / 2)]);
  }

  // removePoint removes a point, or the shape if it needs all it has.
  removePoint(i, k) {
    const s = this.list[i];
    if (s.points.length <= kinds[s.kind].least) {
      this.remove(i);
      return;
    }
    this.keep();
    s.points.splice(k, 1);
  }

  remove(i) {
    this.keep();
    this.list.splice(i, 1);
    this.selected = -1;
  }

  turnAround(i) {
    this.keep();
    this.list[i].points.reverse();
  }

  // rename returns what is wrong with a name, or ''.
  rename(i, name) {
    const s = this.list[i];
    if (!name) return 'A name is needed.';
    if (new TextEncoder().encode(name).length > 64) return 'A name has at most 64 bytes.';
    if (this.list.some((o, k) => k !== i && o.kind === s.kind && o.name === name)) return `There is a ${s.kind} ${name} already.`;
    if (s.name !== name) {
      this.keep();
      s.name = name;
    }
    return '';
  }
}
