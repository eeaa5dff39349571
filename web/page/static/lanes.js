// The lanes of the timeline: one a camera, drawn as bars of people, marks of crossings and gaps where nobody watched.
import { now } from './client.js';
import { el, svg } from './dom.js';
import { axis, nice } from './chart.js';
import { clock, dayOf, moment, shortDay } from './time.js';

const W = 1000;
const H = 44;

const words = (lane, i, at, tz) => {
  if (lane.frames[i] === null) return `${moment(at, tz)}: not watched${lane.first && at < Date.parse(lane.first) ? ', the camera had no frame yet' : ''}`;
  const crossed = [lane.in[i] ? `${lane.in[i]} in` : '', lane.out[i] ? `${lane.out[i]} out` : ''].filter(Boolean).join(', ');
  return `${moment(at, tz)}: ${lane.average[i].toFixed(1)} people on average, ${lane.most[i]} at most${crossed ? `, ${crossed}` : ''}`;
};

// lanes draws into root and reports what a user wants: pan(part of the width), zoom(factor, part), open(camera, since, until).
export function lanes(root, { pan, zoom, zone, open }) {
  let data = null;
  let ends = [];
  let places = new Map(); // of the keyboard's cursor, by camera
  let chosen = {};
  let span = { since: 0, until: 1 };
  const rows = new Map();
  const marks = el('div', { class: 'marks', ariaHidden: 'true' });
  const tip = el('p', { class: 'tip small', ariaHidden: 'true' }, 'Ctrl and wheel, or two fingers, zoom; drag, or shift and wheel, scroll. On a lane: ← → choose, Enter opens.');

  const x = (t) => ((t - span.since) / (span.until - span.since)) * W;
  const part = (e) => {
    const r = (e.target.closest('.track') || marks).getBoundingClientRect();
    return Math.min(1, Math.max(0, (e.clientX - r.left) / r.width));
  };

  function bucketAt(p) {
    const t = span.since + p * (span.until - span.since);
    return data ? data.at.findIndex((at, i) => t >= at && t < ends[i]) : -1;
  }

  function paths(lane, most) {
    let bars = '';
    let ins = '';
    let outs = '';
    let gaps = '';
    data.at.forEach((at, i) => {
      const [a, b] = [x(Math.max(at, data.since)), x(Math.min(ends[i], data.until))];
      if (b < 0 || a > W) return;
      const width = Math.max(0.6, (b - a) * 0.86);
      if (lane.frames[i] === null) {
        if (at < now()) gaps += `M${a.toFixed(1)} ${H - 3}H${b.toFixed(1)}`;
        if (!lane.in[i] && !lane.out[i]) return;
      }
      if (lane.average[i]) bars += `M${a.toFixed(1)} ${H - 6}v${(-Math.max(1.5, (lane.average[i] / most) * (H - 16))).toFixed(1)}h${width.toFixed(1)}V${H - 6}z`;
      const middle = ((a + b) / 2).toFixed(1);
      if (lane.in[i]) ins += `M${middle} 1v7`;
      if (lane.out[i]) outs += `M${(Number(middle) + 2.5).toFixed(1)} 1v7`;
    });
    return { bars, ins, outs, gaps };
  }

  function row(lane) {
    const drawing = svg('svg', { class: 'track', viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none' });
    const slider = el('div', { class: 'lane', role: 'slider', tabIndex: 0, data: { camera: lane.camera } }, drawing);
    const cursor = el('div', { class: 'cursor', hidden: true });
    slider.append(cursor);
    slider.onkeydown = (e) => keys(e, lane.camera);
    slider.onfocus = () => mark(lane.camera);
    slider.onblur = () => { cursor.hidden = true; };
    const title = el('span', { class: 'name', title: lane.camera }, lane.camera);
    return { element: el('div', { class: 'row' }, title, slider), slider, drawing, cursor };
  }

  // mark shows the bucket that the keyboard has chosen, in words as well.
  function mark(camera, show = true) {
    const r = rows.get(camera);
    const lane = data.cameras.find((c) => c.camera === camera);
    const i = Math.min(places.get(camera) ?? data.at.length - 1, data.at.length - 1);
    r.slider.ariaValueMin = '0';
    r.slider.ariaValueMax = String(data.at.length - 1);
    r.slider.ariaValueNow = String(i);
    r.slider.ariaValueText = words(lane, i, data.at[i], zone());
    r.slider.ariaLabel = lane.camera;
    r.cursor.hidden = !show;
    if (show) {
      r.cursor.style.left = `${Math.max(0, x(data.at[i]) / W) * 100}%`;
      r.cursor.style.width = `${Math.max(0.2, ((x(ends[i]) - x(data.at[i])) / W) * 100)}%`;
      tip.textContent = r.slider.ariaValueText;
    }
  }

  function keys(e, camera) {
    const i = Math.min(places.get(camera) ?? data.at.length - 1, data.at.length - 1);
    const to = { ArrowLeft: i - 1, ArrowRight: i + 1, ArrowDown: i - 1, ArrowUp: i + 1, Home: 0, End: data.at.length - 1 }[e.key];
    if (to !== undefined) {
      if (to < 0) pan(-0.5);
      else if (to >= data.at.length) pan(0.5);
      places.set(camera, Math.min(Math.max(to, 0), data.at.length - 1));
      mark(camera);
    } else if (e.key === 'Enter' || e.key === ' ') open(camera, data.at[i], ends[i]);
    else if (e.key === 'PageUp') pan(-1);
    else if (e.key === 'PageDown') pan(1);
    else if (e.key === '+' || e.key === '=') zoom(0.5);
    else if (e.key === '-') zoom(2);
    else return;
    e.preventDefault();
  }

  const resized = new ResizeObserver(() => root.clientWidth !== drawn && data && draw(null, span, chosen));
  let drawn = 0;

  function draw(next, window, choice) {
    drawn = root.clientWidth;
    span = window;
    chosen = choice;
    if (next && next !== data?.from) {
      data = { ...next, from: next, since: Date.parse(next.since), until: Date.parse(next.until), at: next.at.map((t) => Date.parse(t)) };
      const step = { '1m': 6e4, '5m': 3e5, '1h': 36e5, '1d': 864e5 }[data.bucket];
      ends = data.at.map((_, i) => data.at[i + 1] ?? data.at[i] + step);
    }
    if (!data?.cameras.length) return;
    const most = nice(Math.max(...data.cameras.flatMap((c) => c.average.map((n) => n || 0))));
    const tz = zone();
    const wide = root.clientWidth > 700;
    marks.replaceChildren(...axis(span.since, span.until, wide ? 9 : 3, { dayOf: (t) => dayOf(t, tz), clock: (t) => clock(t, tz), shortDay: (t) => shortDay(t, tz) }).map((m) => {
      const e = el('span', { class: m.strong ? 'strong' : '' }, m.text);
      e.style.left = `${(x(m.at) / W) * 100}%`;
      return e;
    }));
    for (const lane of data.cameras) if (!rows.has(lane.camera)) rows.set(lane.camera, row(lane));
    const list = data.cameras.map((lane) => {
      const r = rows.get(lane.camera);
      const p = paths(lane, most);
      r.drawing.replaceChildren(...[['gap', p.gaps], ['people', p.bars], ['in', p.ins], ['out', p.outs]].map(([name, d]) => svg('path', { class: name, d })));
      if (chosen.since && (!chosen.camera || chosen.camera === lane.camera)) r.drawing.prepend(svg('rect', { class: 'chosen', x: x(chosen.since), y: 0, width: Math.max(1, x(chosen.until) - x(chosen.since)), height: H }));
      mark(lane.camera, document.activeElement === r.slider);
      return r.element;
    });
    const all = [el('div', { class: 'row top' }, el('span', { class: 'name small muted' }, `0–${most} people`), marks), ...list, foot];
    if (root.children.length !== all.length || all.some((e, i) => i > 0 && root.children[i] !== e)) {
      const focus = document.activeElement;
      root.replaceChildren(...all);
      if (root.contains(focus)) focus.focus();
    } else root.replaceChild(all[0], root.children[0]);
  }

  const foot = el('div', { class: 'foot' }, el('p', { class: 'legend small' }, el('span', { class: 'key people' }, 'people on average'), el('span', { class: 'key in' }, 'in'),
    el('span', { class: 'key out' }, 'out'), el('span', { class: 'key gap' }, 'not watched')), tip);

  // The pointers that are down: one drags, two zoom.
  const down = new Map();
  let moved = 0;
  const width = () => marks.getBoundingClientRect().width || 1;
  const spread = () => {
    const [a, b] = [...down.values()];
    return Math.max(20, Math.abs(a.x - b.x));
  };

  function onDown(e) {
    if (!e.target.closest('.lane, .marks') || (e.pointerType === 'mouse' && e.button !== 0)) return;
    down.set(e.pointerId, { x: e.clientX });
    moved = 0;
  }

  function onMove(e) {
    const p = down.get(e.pointerId);
    if (!p) {
      const lane = e.target.closest?.('.lane');
      const i = lane && data ? bucketAt(part(e)) : -1;
      if (i >= 0) tip.textContent = `${lane.dataset.camera}, ${words(data.cameras.find((c) => c.camera === lane.dataset.camera), i, data.at[i], zone())}`;
      return;
    }
    const dx = e.clientX - p.x;
    if (down.size === 1) {
      if (moved === 0 && Math.abs(dx) < 4) return;
      p.x = e.clientX;
      moved += Math.abs(dx);
      pan(-dx / width());
    } else if (down.size === 2) {
      const before = spread();
      p.x = e.clientX;
      moved += Math.abs(dx);
      zoom(before / spread(), 0.5);
    }
  }

  function onUp(e) {
    if (!down.delete(e.pointerId) || moved > 0 || e.type === 'pointercancel') return;
    const lane = e.target.closest?.('.lane');
    const i = lane && data ? bucketAt(part(e)) : -1;
    if (i < 0) return;
    places.set(lane.dataset.camera, i);
    open(lane.dataset.camera, data.at[i], ends[i]);
  }

  function onWheel(e) {
    if (!e.target.closest('.lane, .marks')) return;
    const sideways = e.shiftKey ? e.deltaY || e.deltaX : e.deltaX;
    if (e.ctrlKey || e.metaKey || e.target.closest('.marks')) zoom(e.deltaY > 0 ? 1.25 : 0.8, part(e));
    else if (Math.abs(sideways) > Math.abs(e.shiftKey ? 0 : e.deltaY)) pan(sideways / width());
    else return;
    e.preventDefault();
  }

  resized.observe(root);
  root.addEventListener('pointerdown', onDown);
  addEventListener('pointermove', onMove);
  addEventListener('pointerup', onUp);
  addEventListener('pointercancel', onUp);
  root.addEventListener('wheel', onWheel, { passive: false });
  return {
    draw,
    end: () => {
      resized.disconnect();
      removeEventListener('pointermove', onMove);
      removeEventListener('pointerup', onUp);
      removeEventListener('pointercancel', onUp);
      places = new Map();
    },
  };
}
