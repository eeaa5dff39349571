// Where people stood and walked: how many detections had their feet in each cell of the picture.
import { now } from './client.js';
import { el, svg } from './dom.js';
import { colour } from './chart.js';
import { paint } from './heatmap.js';
import { still } from './picture.js';
import { cameras, filters, loader } from './filters.js';
import { moment, ownZone, span } from './time.js';

const HOUR = 36e5;
const lengths = [['1 h', HOUR], ['4 h', 4 * HOUR], ['24 h', 24 * HOUR]];
const cells = 48;

const iso = (t) => new Date(Math.floor(t / 6e4) * 6e4).toISOString().replace('.000Z', 'Z');

// local returns a time as an input of type datetime-local has it, and back: these have the browser's own time zone.
const local = (t) => new Date(t - new Date(t).getTimezoneOffset() * 6e4).toISOString().slice(0, 16);

export function mount(root, params, ctx) {
  const bar = el('div', { class: 'toolbar' });
  const body = el('div', { class: 'stack' }, el('p', { class: 'empty' }, 'Loading …'));
  const choose = el('div', { class: 'group', role: 'group', ariaLabel: 'Length' });
  root.append(el('div', { class: 'head' }, el('h1', {}, 'Heat map'), choose), bar, body);
  const load = loader(body, ctx);
  let list = [];
  let shown = new AbortController(); // ends with what is drawn
  let log = params.scale === 'log';

  function read() {
    const until = Date.parse(params.until || '') || Math.ceil(now() / 6e4) * 6e4;
    const since = Date.parse(params.since || '') || until - HOUR;
    return since < until ? { since, until } : { since: until - HOUR, until };
  }

  function controls() {
    const w = read();
    const field = (id, label, value, set) => {
      const input = el('input', { type: 'datetime-local', id, value: local(value), onchange: () => input.value && set(new Date(input.value).getTime()) });
      return el('div', { class: 'field' }, el('label', { for: id }, label), input);
    };
    choose.replaceChildren(...lengths.map(([name, ms]) => {
      const b = el('button', { type: 'button', onclick: () => ctx.navigate({ ...params, since: params.until ? iso(w.until - ms) : ms === HOUR ? '' : iso(w.until - ms) }) }, name);
      b.ariaPressed = String(Math.abs(w.until - w.since - ms) < 6e4);
      return b;
    }));
    const scale = el('input', { type: 'checkbox', id: 'scale', checked: log, onchange: () => ctx.navigate({ ...params, scale: scale.checked ? 'log' : '' }) });
    bar.replaceChildren(...filters(list, params, (p) => ctx.navigate(p), ['camera', 'zone']), field('since', 'From', w.since, (t) => ctx.navigate({ ...params, since: iso(t), until: iso(Math.max(t + 6e4, w.until)) })),
      field('until', 'To', w.until, (t) => ctx.navigate({ ...params, since: iso(Math.min(w.since, t - 6e4)), until: iso(t) })), el('label', { class: 'check' }, scale, 'Logarithmic'));
  }

  const refresh = () => load.run(async (signal) => {
    const camera = params.camera || list.find((c) => c.newest)?.id; // others have nothing
    if (!camera) {
      body.replaceChildren(el('p', { class: 'panel empty' }, 'No camera has been seen yet.'));
      return;
    }
    const w = read();
    draw(await ctx.api.get('heatmap', { camera, zone: params.zone, class: params.class || 'person', min_score: params.score, since: iso(w.since), until: iso(w.until), grid: cells }, { signal }));
  });

  // legend shows the colours with the numbers that they stand for.
  function legend(h) {
    const s = svg('svg', { class: 'legend', viewBox: '0 0 320 34', role: 'img', 'aria-label': `From 1 to ${h.most} detections in a cell, ${log ? 'logarithmic' : 'linear'}` });
    for (let i = 0; i < 64; i++) s.append(svg('rect', { x: 10 + i * 4.69, y: 0, width: 4.8, height: 12, 'shape-rendering': 'crispEdges', fill: `rgb(${colour((i + 0.5) / 64).join(' ')})` }));
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((v) => [v, log ? Math.expm1(v * Math.log1p(h.most)) : v * h.most]);
    for (const [v, n] of ticks) s.append(svg('text', { x: 10 + v * 300, y: 28, 'text-anchor': 'middle' }, n < 10 && n % 1 ? n.toFixed(1) : String(Math.round(n))));
    return s;
  }

  function draw(h) {
    const w = read();
    const tz = params.tz || ownZone();
    const length = (w.until - w.since) / 1000;
    const words = `${h.camera}, ${moment(w.since, tz)} to ${moment(w.until, tz)}: watched ${span(h.seconds)} of ${span(length)}`;
    if (!h.n) {
      body.replaceChildren(el('p', { class: 'panel empty' }, `${h.seconds ? 'Nobody was seen' : 'Nobody watched'}. ${words}.`));
      ctx.announce(`Nobody was seen. ${words}`);
      return;
    }
    const camera = list.find((c) => c.id === h.camera);
    const stage = el('div', { class: 'stage' });
    const ratio = h.width && h.height ? h.width / h.height : 16 / 9;
    stage.style.aspectRatio = String(ratio);
    stage.style.maxWidth = `calc(70vh * ${ratio})`;
    shown.abort();
    shown = new AbortController();
    if (camera?.live) still(ctx.api, h.camera, { signal: shown.signal, show: (src) => stage.prepend(el('img', { src, alt: '', onload: () => URL.revokeObjectURL(src) })) });
    const canvas = el('canvas', { role: 'img', ariaLabel: `Heat map of ${words}. The table below has the fullest cells.` });
    paint(h, canvas, log);
    stage.append(canvas);
    const fullest = [...h.cells].sort((a, b) => b[2] - a[2]).slice(0, 12);
    const place = (x, y) => `${Math.round(((x + 0.5) / h.grid) * 100)} % from the left, ${Math.round(((y + 0.5) / h.grid) * 100)} % from the top`;
    body.replaceChildren(el('figure', { class: 'panel' }, stage, el('figcaption', {}, legend(h), el('p', { class: 'small muted' }, `Detections whose feet are in a cell of ${h.grid} × ${h.grid}; ${h.n} in all. ${words}.`))),
      el('details', { class: 'panel' }, el('summary', {}, 'The fullest cells as a table'), el('table', {}, el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Cell'), el('th', { scope: 'col', class: 'num' }, 'Detections'))),
        el('tbody', {}, fullest.map(([x, y, n]) => el('tr', {}, el('th', { scope: 'row' }, place(x, y)), el('td', { class: 'num' }, String(n))))))));
    ctx.announce(`Heat map: ${h.n} detections. ${words}`);
  }

  function update(next) {
    params = next;
    log = params.scale === 'log';
    controls();
    refresh();
  }

  controls();
  cameras(ctx.api).then((all) => {
    list = all;
    update(params);
  }, ctx.alert);
  return { update, unmount: () => { load.end(); shown.abort(); } };
}
