// The path that a tracked person took, over the camera's picture: a line, where it began and ended, and the box at
// a moment that a slider chooses.
import { el, svg } from './dom.js';
import { still } from './picture.js';
import { thumbnail } from './tracks.js';
import { clockSeconds, moment, span } from './time.js';

export function trackPath(ctx, key, { zone, cameras, recount, close }) {
  const abort = new AbortController();
  const body = el('div', {}, el('p', { class: 'muted' }, 'Loading …'));
  const heading = el('h2', {}, 'Track');
  const element = el('section', { class: 'panel path', ariaLabel: 'Track', tabIndex: -1 }, el('div', { class: 'head' }, heading,
    el('button', { type: 'button', class: 'quiet icon', ariaLabel: 'Close the track', onclick: close }, '✕')), body);
  const slash = key.lastIndexOf('/');
  const [run, number] = [key.slice(0, slash), key.slice(slash + 1)];

  ctx.api.get(`tracks/${encodeURIComponent(run)}/${encodeURIComponent(number)}`, { recount }, { signal: abort.signal }).then(draw, (error) => {
    if (error.name === 'AbortError') return;
    body.replaceChildren(el('p', { class: 'empty' }, error.message));
    ctx.alert(error);
  });

  function drawing(t) {
    const [w, h] = [t.width || 1600, t.height || 900];
    const unit = w / 400;
    const xy = (p) => `${(p.x * w).toFixed(1)} ${(p.y * h).toFixed(1)}`;
    const camera = cameras.find((c) => c.id === t.camera);
    const s = svg('svg', { viewBox: `0 0 ${w} ${h}`, role: 'img', 'aria-label': `Path of the track in the picture of ${t.camera}: ${t.points.length} points` });
    const ground = svg('g');
    s.append(ground);
    s.classList.add('plain');
    ground.append(svg('rect', { class: 'ground', width: w, height: h }));
    for (let i = 1; i < 8; i++) ground.append(svg('path', { class: 'rule', 'stroke-width': unit / 2, d: `M${(w * i) / 8} 0V${h}M0 ${(h * i) / 8}H${w}` }));
    if (camera?.live) still(ctx.api, t.camera, { signal: abort.signal, show: (href) => {
      s.classList.remove('plain');
      ground.replaceChildren(svg('image', { href, width: w, height: h, preserveAspectRatio: 'none', onload: () => URL.revokeObjectURL(href) }));
    } });
    const outline = (points, name, closed) => s.append(svg(closed ? 'polygon' : 'polyline', { class: name, 'stroke-width': unit, points: points.map(([x, y]) => `${x * w},${y * h}`).join(' ') }));
    for (const z of Object.values(camera?.zones || {})) if (Array.isArray(z)) outline(z, 'zone', true);
    for (const l of Object.values(camera?.lines || {})) if (Array.isArray(l)) outline(l, 'line', false);
    const points = t.points.length === 1 ? [t.points[0], t.points[0]] : t.points;
    const d = points.map((p, i) => (i ? 'L' : 'M') + xy(p)).join('');
    s.append(svg('path', { class: 'under', 'stroke-width': unit * 3.4, d }), svg('path', { class: 'way', 'stroke-width': unit * 1.6, d }));
    const [first, last] = [points[0], points[points.length - 1]];
    s.append(svg('circle', { class: 'from', cx: first.x * w, cy: first.y * h, r: unit * 4, 'stroke-width': unit }, svg('title', {}, 'It began here')),
      svg('rect', { class: 'to', x: last.x * w - unit * 3.6, y: last.y * h - unit * 3.6, width: unit * 7.2, height: unit * 7.2, 'stroke-width': unit }, svg('title', {}, 'It ended here')));
    const box = svg('rect', { class: 'box', 'stroke-width': unit * 1.4 });
    const foot = svg('circle', { class: 'now', r: unit * 3, 'stroke-width': unit });
    s.append(box, foot);
    const at = (p) => {
      foot.setAttribute('cx', p.x * w);
      foot.setAttribute('cy', p.y * h);
      if (p.w) for (const [name, v] of [['x', (p.x - p.w / 2) * w], ['y', (p.y - p.h) * h], ['width', p.w * w], ['height', p.h * h]]) box.setAttribute(name, v);
    };
    return { s, at };
  }

  function draw(t) {
    heading.textContent = `${t.label || 'Track'} ${t.track_id} at ${t.camera}`;
    const facts = el('dl', { class: 'facts' }, [['From', moment(t.first_at, zone)], ['For', span((Date.parse(t.last_at) - Date.parse(t.first_at)) / 1000)], ['Score', t.score.toFixed(2)], ['Frames', String(t.frames)]]
      .flatMap(([k, v]) => [el('dt', {}, k), el('dd', {}, v)]));
    const events = [...t.visits.map((v) => [v.from, `in ${v.zone} for ${span(v.dwell_s)}`]), ...t.crossings.map((x) => [x.at, `${x.direction} over ${x.line}`])].sort((a, b) => (a[0] < b[0] ? -1 : 1));
    const side = el('div', { class: 'side' }, t.snapshot ? thumbnail(ctx, t) : null, facts, events.length ? el('ol', { class: 'events' }, events.map(([at, what]) => el('li', {}, el('b', {}, clockSeconds(at, zone)), ` ${what}`))) : null,
      t.source === 'totals' ? el('p', { class: 'small muted' }, 'The detections have expired: the path has a point a second.') : null,
      t.partial ? el('p', { class: 'small muted' }, 'The track is longer than this path.') : null);
    if (!t.points.length) {
      body.replaceChildren(el('p', { class: 'empty' }, 'The path of this track is not known any more.'), side);
      return;
    }
    const { s, at } = drawing(t);
    const said = el('output', { class: 'small muted' });
    const slider = el('input', { type: 'range', min: 0, max: t.points.length - 1, value: 0, ariaLabel: 'Moment of the track', disabled: t.points.length < 2 });
    slider.oninput = () => {
      const p = t.points[Number(slider.value)];
      at(p);
      said.textContent = t.source === 'totals' ? `${p.s} s` : clockSeconds(Date.parse(t.first_at) + p.s * 1000, zone);
      slider.ariaValueText = said.textContent;
    };
    slider.oninput();
    body.replaceChildren(el('div', { class: 'both' }, el('figure', {}, s, el('div', { class: 'scrub' }, slider, said)), side));
    element.scrollIntoView({ block: 'nearest' });
    ctx.announce(`${heading.textContent}, ${events.map(([, what]) => what).join(', ')}`);
  }

  return { element, end: () => abort.abort() };
}
