// The tracks of a stretch of time, page by page, with their best pictures.
import { el, svg } from './dom.js';
import { clockSeconds, span } from './time.js';

const pageSize = 24;

// placeholder is drawn where there is no picture of a track.
const placeholder = () => svg('svg', { viewBox: '0 0 40 60', 'aria-hidden': 'true' }, svg('circle', { cx: 20, cy: 17, r: 8 }), svg('path', { d: 'M6 56c0-18 6-27 14-27s14 9 14 27' }));

export const trackKey = (t) => `${t.run}/${t.track_id}`;

export function thumbnail(ctx, t) {
  if (!t.snapshot) return el('div', { class: 'thumb' }, placeholder());
  const path = `snapshots/${encodeURIComponent(t.run)}/${t.track_id}`;
  return el('div', { class: 'thumb' }, el('img', { src: ctx.api.address(path), alt: '', loading: 'lazy', decoding: 'async' }));
}

// trackList shows tracks of a query. open is called with run/number.
export function trackList(ctx, query, { zone, chosen, title, open, close }) {
  const list = el('ul', { class: 'tracks' });
  const more = el('button', { type: 'button', hidden: true }, 'More');
  const count = el('p', { class: 'muted small' }, 'Loading …');
  const element = el('section', { class: 'panel', ariaLabel: `Tracks: ${title}` }, el('div', { class: 'head' }, el('h2', {}, title), count,
    el('button', { type: 'button', class: 'quiet icon', ariaLabel: 'Close the list', onclick: close }, '✕')), list, more);
  const abort = new AbortController();
  let cursor = '';
  let n = 0;

  const item = (t) => {
    const b = el('button', { type: 'button', class: 'card', data: { track: trackKey(t) }, onclick: () => open(trackKey(t)) }, thumbnail(ctx, t),
      el('span', { class: 'words' }, el('b', {}, clockSeconds(t.first_at, zone)), el('span', {}, `${span(t.duration_s)}, score ${t.score.toFixed(2)}`),
        el('span', {}, [...t.crossings, ...t.zones].join(', ') || t.camera)));
    b.ariaPressed = String(chosen === trackKey(t));
    return el('li', {}, b);
  };

  async function next() {
    more.disabled = true;
    try {
      const page = await ctx.api.get('tracks', { ...query, limit: pageSize, cursor }, { signal: abort.signal });
      n += page.tracks.length;
      cursor = page.next || '';
      list.append(...page.tracks.map(item));
      more.hidden = !cursor;
      count.textContent = n === 0 ? 'Nobody was tracked in this time.' : `${n}${cursor ? ' and more' : ''} ${n === 1 ? 'track' : 'tracks'}`;
      ctx.announce(count.textContent);
    } catch (error) {
      if (error.name === 'AbortError') return;
      count.textContent = error.message;
      ctx.alert(error);
    }
    more.disabled = false;
  }

  more.onclick = next;
  next();
  return { element, end: () => abort.abort() };
}
