// Days to scroll and zoom through: a lane for each camera, the tracks of a bucket, and the path of a track.
import { now } from './client.js';
import { el } from './dom.js';
import { cameras, counted, counting, debounced, filters, loader, recounts } from './filters.js';
import { lanes } from './lanes.js';
import { trackList } from './tracks.js';
import { trackPath } from './path.js';
import { moment, ownZone, span } from './time.js';

const HOUR = 36e5;
const spans = [['Hour', HOUR], ['Day', 24 * HOUR], ['Week', 7 * 24 * HOUR], ['Month', 30 * 24 * HOUR]];
const shortest = 5 * 6e4;
const longest = 1000 * 24 * HOUR;

const time = (text) => {
  const t = Date.parse(text || '');
  return Number.isNaN(t) ? null : t;
};
const iso = (t) => new Date(t).toISOString().replace(/\.000Z$/, 'Z');

export function mount(root, params, ctx) {
  const zone = () => params.tz || ownZone();
  const bar = el('div', { class: 'toolbar' });
  const range = el('p', { class: 'muted range' });
  const choose = el('div', { class: 'group', role: 'group', ariaLabel: 'Length' });
  const body = el('div', { class: 'panel lanes' });
  const note = el('p', { class: 'small muted', id: 'counted', hidden: true });
  const below = el('div', { class: 'stack' });
  const button = (label, sign, f) => el('button', { type: 'button', class: 'icon', ariaLabel: label, title: label, onclick: f }, sign);
  root.append(el('div', { class: 'head' }, el('h1', {}, 'Timeline'), range, choose,
    button('Earlier', '‹', () => pan(-0.5)), button('Later', '›', () => pan(0.5)), button('Zoom in', '+', () => zoom(0.5)), button('Zoom out', '−', () => zoom(2)),
    el('button', { type: 'button', onclick: () => look(null, null) }, 'Now')), bar, body, note, below);
  const load = loader(body, ctx);
  let list = [];
  let again = []; // what was counted again
  let data = null;
  let window = read();
  let ended = false;
  let tracks = null;
  let path = null;

  // read returns the window of the parameters: the last 24 hours if they have none.
  function read() {
    const until = time(params.until) ?? Math.ceil(now() / 6e4) * 6e4;
    const since = time(params.since) ?? until - 24 * HOUR;
    return since < until ? { since, until } : { since: until - 24 * HOUR, until };
  }

  const commit = debounced(() => ctx.navigate({ ...params, since: iso(window.since), until: iso(window.until) }, { replace: true }), 200);

  // look moves the window; with null for both to the last hours as far as it reaches.
  function look(since, until) {
    if (since === null) {
      until = Math.ceil(now() / 6e4) * 6e4;
      since = until - (window.until - window.since);
    }
    const length = Math.min(longest, Math.max(shortest, until - since));
    const middle = (since + until) / 2;
    if (until - since !== length) [since, until] = [middle - length / 2, middle + length / 2];
    window = { since: Math.round(since / 1000) * 1000, until: Math.round(until / 1000) * 1000 };
    show();
    commit();
  }

  const pan = (part) => {
    const by = part * (window.until - window.since);
    look(window.since + by, window.until + by);
  };

  // zoom changes the length; the time at a part of the width stays where it is.
  const zoom = (factor, at = 0.5) => {
    const length = window.until - window.since;
    const next = Math.min(longest, Math.max(shortest, length * factor));
    const fixed = window.since + length * at;
    look(fixed - next * at, fixed + next * (1 - at));
  };

  const view = lanes(body, {
    pan, zoom, zone,
    open: (camera, since, until) => ctx.navigate({ ...params, since: iso(window.since), until: iso(window.until), at: camera, from: iso(since), to: iso(until), track: '' }),
  });

  function show() {
    const length = window.until - window.since;
    range.textContent = `${moment(window.since, zone())} to ${moment(window.until, zone())}`;
    choose.replaceChildren(...spans.map(([name, ms]) => {
      const b = el('button', { type: 'button', onclick: () => look(window.until - ms, window.until) }, name);
      b.ariaPressed = String(Math.abs(length - ms) < 1000);
      return b;
    }));
    view.draw(data, window, { camera: params.at, since: time(params.from), until: time(params.to) });
  }

  const refresh = () => load.run(async (signal) => {
    const { camera, zone: of, line, recount } = params;
    data = await ctx.api.get('timeline', { since: iso(window.since), until: iso(window.until), camera, zone: of, line, recount, tz: zone() }, { signal });
    show();
    if (!data.cameras.length) body.replaceChildren(el('p', { class: 'empty' }, 'No camera has been seen yet.'));
  });

  function controls() {
    const score = el('input', { type: 'number', id: 'by-score', min: 0, max: 1, step: 0.05, value: params.score || '', placeholder: '0', onchange: () => ctx.navigate({ ...params, score: score.value }) });
    bar.replaceChildren(...filters(list, params, (p) => ctx.navigate(p)), ...counting(again, params, (p) => ctx.navigate(p)),
      el('div', { class: 'field' }, el('label', { for: 'by-score' }, 'Score from'), score));
    note.textContent = counted(again, params, zone());
    note.hidden = !note.textContent;
  }

  // details shows the tracks of the chosen bucket, and the chosen track.
  function details() {
    tracks?.end();
    path?.end();
    tracks = path = null;
    below.replaceChildren();
    const [from, to] = [time(params.from), time(params.to)];
    const own = again.find((r) => String(r.id) === params.recount)?.own_tracks;
    if (own && (params.track || from !== null)) {
      below.append(el('p', { class: 'panel empty' }, `Recount ${params.recount} tracked anew: there are no pictures and paths of its tracks.`));
      return;
    }
    if (params.track) {
      path = trackPath(ctx, params.track, { zone: zone(), cameras: list, recount: params.recount, close: () => ctx.navigate({ ...params, track: '' }) });
      below.append(path.element);
    }
    if (from !== null && to !== null) {
      tracks = trackList(ctx, { camera: params.at || params.camera, zone: params.zone, line: params.line, recount: params.recount, min_score: params.score, since: iso(from), until: iso(to) }, {
        zone: zone(), chosen: params.track, title: `${params.at || 'All cameras'}, ${moment(from, zone())}, ${span((to - from) / 1000)}`,
        open: (track) => ctx.navigate({ ...params, track }), close: () => ctx.navigate({ ...params, at: '', from: '', to: '', track: '' }),
      });
      below.append(tracks.element);
    }
  }

  const key = (p, ...names) => names.map((n) => p[n] || '').join('\n');

  function update(next) {
    const before = params;
    params = next;
    const moved = key(before, 'since', 'until') !== key(params, 'since', 'until');
    const other = key(before, 'camera', 'zone', 'line', 'recount', 'tz') !== key(params, 'camera', 'zone', 'line', 'recount', 'tz');
    if (moved) window = read();
    if (other || before.score !== params.score) controls();
    show();
    if (moved || other || !data) refresh();
    if (key(before, 'at', 'from', 'to', 'track', 'score') !== key(params, 'at', 'from', 'to', 'track', 'score') || other) details();
  }

  show();
  controls();
  refresh();
  recounts(ctx.api).then((all) => {
    again = all;
    if (!ended && all.length) {
      controls();
      if (params.recount) details();
    }
  }, ctx.alert);
  cameras(ctx.api).then((all) => {
    if (ended) return;
    list = all;
    controls();
    details();
  }, (error) => {
    ctx.alert(error);
    details();
  });
  return {
    update,
    unmount: () => {
      ended = true;
      commit.end();
      load.end();
      view.end();
      tracks?.end();
      path?.end();
    },
  };
}
