// The state of each part, what to do about it, and where the time of the newest sightings goes.
import { el, svg } from './dom.js';

const every = 2000; // milliseconds, while the page is visible
const words = { ok: 'Everything is well.', warning: 'Something needs a look.', bad: 'Something is wrong.' };
const level = { ok: 'ok', warning: 'warn', bad: 'bad' };
const stages = {
  decode: ['Decode', 'from the frame in our hands to its picture'], infer: ['Inference', 'the detector, its turn included'],
  produce: ['Produce', 'until the record is handed to the log'], fetch: ['Log', 'until a sink has the record'], commit: ['Commit', 'until the rows are in the database'],
};

export function mount(root, _params, ctx) {
  const all = el('p', { class: 'badge overall', role: 'status' });
  const parts = el('ul', { class: 'parts' });
  const fall = el('div', { class: 'waterfall' });
  root.append(el('div', { class: 'head' }, el('h1', {}, 'Health'), all), el('div', { class: 'stack' },
    el('section', { class: 'panel' }, el('h2', {}, 'Parts'), parts),
    el('section', { class: 'panel' }, el('h2', {}, 'Latency'), fall)));
  const gone = new AbortController();
  let timer = 0;

  async function ask() {
    clearTimeout(timer);
    try {
      if (!document.hidden) show(await ctx.api.get('health', {}, { signal: gone.signal }));
    } catch (error) {
      if (error.name === 'AbortError') return;
      all.dataset.level = 'bad';
      all.textContent = error.message;
    }
    if (!gone.signal.aborted) timer = setTimeout(ask, every);
  }

  function show(h) {
    all.dataset.level = level[h.level];
    if (all.textContent !== words[h.level]) all.textContent = words[h.level];
    parts.replaceChildren(...h.parts.map((p) => el('li', { data: { part: p.name, level: p.level } },
      el('span', { class: 'badge', data: { level: level[p.level] } }, p.level),
      el('b', {}, p.camera ? `camera ${p.camera}` : p.name), el('span', {}, p.detail, p.fix ? el('span', { class: 'fix' }, ` ${p.fix}`) : ''))));
    waterfall(h.stages);
  }

  // waterfall draws the stages one behind the other: median as a bar, the 99th percentile as a thin line.
  function waterfall(found) {
    const end = found.find((s) => s.stage === 'end_to_end');
    const shown = found.filter((s) => stages[s.stage]);
    if (!shown.length) {
      fall.replaceChildren(el('p', { class: 'muted' }, 'No frame came in the last half minute. Files that are read as fast as possible are not shown.'));
      return;
    }
    const total = Math.max(shown.reduce((sum, s) => sum + s.p50_ms, 0), 0.001);
    let from = 0;
    const bars = shown.map((s) => {
      const bar = svg('svg', { viewBox: '0 0 100 10', preserveAspectRatio: 'none', class: 'fall', 'aria-hidden': 'true' },
        svg('rect', { x: from / total * 100, y: 1, width: Math.max(0.5, s.p50_ms / total * 100), height: 8 }));
      from += s.p50_ms;
      return el('tr', {}, el('th', { scope: 'row', title: stages[s.stage][1] }, stages[s.stage][0]), el('td', { class: 'draw' }, bar),
        el('td', { class: 'num' }, ms(s.p50_ms)), el('td', { class: 'num' }, ms(s.p99_ms)));
    });
    fall.replaceChildren(el('div', { class: 'scroll', tabIndex: 0, role: 'group', ariaLabel: 'Latency by stage' }, el('table', {},
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Stage'), el('th', { scope: 'col', class: 'draw' }, 'Median, one behind the other'),
        el('th', { scope: 'col', class: 'num' }, 'Median'), el('th', { scope: 'col', class: 'num' }, '99 %'))),
      el('tbody', {}, ...bars))),
    el('p', { class: 'muted small' }, end ? `From the frame to its rows: ${ms(end.p50_ms)}, for 99 of 100 at most ${ms(end.p99_ms)}; ${end.n} frames of the last half minute.` : ''));
  }

  const ms = (v) => (v < 10 ? `${v.toFixed(1)} ms` : v < 10000 ? `${Math.round(v)} ms` : `${(v / 1000).toFixed(1)} s`);
  const visible = () => { if (!document.hidden) ask(); };
  document.addEventListener('visibilitychange', visible);
  ask();
  return () => {
    gone.abort();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', visible);
  };
}
