// One day: who came and went, how many are there, for how long they stay, and what is usual.
import { now } from './client.js';
import { el } from './dom.js';
import { bars, sparkline } from './chart.js';
import { cameras, counted, counting, filters, loader, recounts } from './filters.js';
import { addDays, clock, dayOf, isDay, longDay, ownZone, span, weekday } from './time.js';

const every = 30_000; // of a day in progress

const dash = (n) => (n === null || n === undefined ? '–' : String(n));
const seconds = (s) => (s === null || s === undefined ? '–' : span(s));
const percent = (w) => (w.of > 0 ? `${Math.round((100 * w.seconds) / w.of)} %` : '–');

export function mount(root, params, ctx) {
  const title = el('h1', {});
  const body = el('div', { class: 'stack' }, el('p', { class: 'empty' }, 'Loading …'));
  const bar = el('div', { class: 'toolbar' });
  const input = el('input', { type: 'date', id: 'day', onchange: () => input.value && go({ day: input.value }) });
  const step = (n, label, sign) => el('button', { type: 'button', class: 'icon', ariaLabel: label, onclick: () => go({ day: addDays(shown(), n) }) }, sign);
  root.append(el('div', { class: 'head' }, title, step(-1, 'The day before', '‹'), el('label', { for: 'day', class: 'unseen' }, 'Day'), input,
    step(1, 'The day after', '›'), el('button', { type: 'button', onclick: () => go({ day: '' }) }, 'Today')), bar, body);
  const load = loader(body, ctx);
  let list = [];
  let again = []; // what was counted again
  let series = 'people';
  let timer = 0;
  let day = null;
  const phone = matchMedia('(max-width: 719px)');
  phone.onchange = () => day && draw(day);
  const zone = () => params.tz || ownZone();
  const shown = () => (isDay(params.day) ? params.day : dayOf(new Date(now()), zone()));

  function go(change) {
    const next = { ...params, ...change };
    if (next.day === dayOf(new Date(now()), zone())) next.day = '';
    ctx.navigate(next);
  }

  function controls() {
    title.textContent = params.day ? longDay(shown()) : 'Today';
    input.value = shown();
    bar.replaceChildren(...filters(list, params, (p) => ctx.navigate(p)), ...counting(again, params, (p) => ctx.navigate(p)));
    bar.hidden = !bar.children.length;
  }

  const refresh = (said) => load.run(async (signal) => {
    clearTimeout(timer);
    const { camera, zone: of, line, recount } = params;
    const d = await ctx.api.get('today', { day: params.day, camera, zone: of, line, recount, tz: zone() }, { signal });
    draw(d);
    if (said) ctx.announce(sentence(d.in, d, 'in'));
    if (d.in_progress) timer = setTimeout(refresh, every);
  });

  // usual says what is usual of a number, or why nothing is known.
  function usual(count, d) {
    const when = d.in_progress ? ` by ${clock(d.up_to, d.tz)}` : '';
    const u = count.usual;
    if (!u) return d.watched.seconds ? `no ${weekday(d.day)} to compare with` : '';
    const range = u.low === u.high ? `${u.low}` : `${u.low}–${u.high}`;
    return `usually ${range} on ${weekday(d.day)}s${when}`;
  }

  const sentence = (count, d, word) => [`${count.n} ${word}`, usual(count, d)].filter(Boolean).join(', ');

  function stat(name, value, words, spark) {
    return el('section', { class: 'panel stat' }, el('h2', { class: 'small muted' }, name), el('b', {}, value), el('span', {}, words || '\u00a0'), spark || null);
  }

  const hourly = (count, d, word) => sparkline(count.by_hour, `${word} by the hour, most ${Math.max(0, ...count.by_hour)}`);

  function stats(d) {
    const v = d.in_view;
    const most = v.most_at ? `most ${v.most} at ${clock(v.most_at, d.tz)}` : '';
    const b = d.busiest;
    return el('div', { class: 'stats' },
      d.lines.length ? stat('In', String(d.in.n), usual(d.in, d), hourly(d.in, d, 'In')) : null,
      d.lines.length ? stat('Out', String(d.out.n), usual(d.out, d), hourly(d.out, d, 'Out')) : null,
      stat('People seen', String(d.people.n), usual(d.people, d), hourly(d.people, d, 'People')),
      d.in_progress ? stat('In view now', dash(v.now), most, sparkline(v.by_hour, 'Most in view by the hour')) : stat('Most in view', dash(v.most), v.most_at ? `at ${clock(v.most_at, d.tz)}` : '', sparkline(v.by_hour, 'Most in view by the hour')),
      stat('Busiest hour', b ? clock(b.at, d.tz) : '–', b ? `${b.average.toFixed(1)} in view on average${b.coverage < 0.9 ? `, watched ${Math.round(100 * b.coverage)} %` : ''}` : 'nobody was seen'),
      stat('Watched', percent(d.watched), watched(d)));
  }

  function watched(d) {
    const n = d.cameras.length;
    return n === 1 ? `${span(d.watched.seconds)} of ${span(d.watched.of)}` : `${span(d.watched.seconds / Math.max(1, n))} of ${span(d.watched.of / Math.max(1, n))} a camera`;
  }

  function chart(d) {
    const kinds = { people: ['People seen', [['people', d.people.by_hour]]], ...(d.lines.length ? { crossings: ['In and out', [['in', d.in.by_hour], ['out', d.out.by_hour]]] } : {}), view: ['Most in view', [['in view', d.in_view.by_hour]]] };
    if (!kinds[series]) series = 'people';
    const [label, lists] = kinds[series];
    const labels = d.hours.map((h) => clock(h, d.tz));
    const words = (i) => `${labels[i]}: ${lists[0][1][i] === null ? 'not watched' : lists.map(([name, l]) => `${l[i] ?? 0} ${name}`).join(', ')}`;
    const panel = el('section', { class: 'panel' });
    const choose = el('div', { class: 'group', role: 'group', ariaLabel: 'What the chart shows' }, Object.entries(kinds).map(([k, [text]]) => {
      const b = el('button', { type: 'button', onclick: () => { series = k; const next = chart(d); panel.replaceWith(next); next.querySelector('[aria-pressed="true"]').focus(); } }, text);
      b.ariaPressed = String(k === series);
      return b;
    }));
    const legend = lists.length > 1 ? el('p', { class: 'legend small' }, lists.map(([name], k) => el('span', { class: `key s${k}` }, name))) : null;
    panel.append(el('div', { class: 'head' }, el('h2', {}, 'By the hour'), legend, choose),
      bars({ series: lists.map(([name, values]) => ({ name, values })), labels, narrow: phone.matches, label: `${label} by the hour. ${labels.map((_, i) => words(i)).filter((w) => !w.endsWith('not watched')).join('. ')}`, title: words }));
    if (d.in_view.by_hour.some((n) => n === null)) panel.append(el('p', { class: 'small muted blind-note' }, 'hours that nobody watched'));
    return panel;
  }

  function table(name, heads, rows) {
    if (!rows.length) return null;
    return el('section', { class: 'panel' }, el('h2', {}, name), el('div', { class: 'scroll', tabIndex: 0, role: 'region', ariaLabel: name }, el('table', {},
      el('thead', {}, el('tr', {}, heads.map(([h, num]) => el('th', { scope: 'col', class: num ? 'num' : '' }, h)))),
      el('tbody', {}, rows.map((cells) => el('tr', {}, cells.map((c, i) => (i === 0 ? el('th', { scope: 'row' }, c) : el('td', { class: heads[i][1] ? 'num' : '' }, c)))))))));
  }

  const link = (text, change) => {
    const p = { ...params, ...change };
    return el('a', { href: `#/today?${new URLSearchParams(Object.entries(p).filter(([, v]) => v))}` }, text);
  };
  const several = (d) => d.cameras.length > 1;
  const range = (u) => (u ? (u.low === u.high ? String(u.low) : `${u.low}–${u.high}`) : '–');

  function tables(d) {
    const of = (camera, name) => (several(d) ? `${name} (${camera})` : name);
    return [
      table('Places', [['Place'], ['In', 1], ['Out', 1], ['Inside', 1], ['Most', 1], ['May be', 1], ['By the hour']],
        d.places.map((p) => [p.place, String(p.in), String(p.out), dash(p.inside), dash(p.most), dash(p.capacity), sparkline(p.by_hour, `Most inside of ${p.place} by the hour`)])),
      table('Lines', [['Line'], ['In', 1], ['Usually', 1], ['Out', 1], ['Usually', 1], ['In by the hour']],
        d.lines.map((l) => [link(of(l.camera, l.line), { camera: l.camera, line: l.line, zone: '' }), String(l.in.n), range(l.in.usual), String(l.out.n), range(l.out.usual), hourly(l.in, d, `In over ${l.line}`)])),
      table('Zones', [['Zone'], ...(d.in_progress ? [['Now', 1], ['Waiting', 1]] : []), ['Most', 1], ['Visits', 1], ['Half stay', 1], ['9 of 10 stay', 1], ['Visits by the hour']],
        d.zones.map((z) => [link(of(z.camera, z.zone), { camera: z.camera, zone: z.zone, line: '' }), ...(d.in_progress ? [dash(z.in_view.now), seconds(z.longest_s)] : []),
          z.in_view.most_at && z.in_view.most ? `${z.in_view.most} at ${clock(z.in_view.most_at, d.tz)}` : dash(z.in_view.most), String(z.visits.n), seconds(z.median_s), seconds(z.p90_s), hourly(z.visits, d, `Visits of ${z.zone}`)])),
      table('Cameras', [['Camera'], ['People', 1], ['Usually', 1], ...(d.in_progress ? [['Now', 1]] : []), ['Most', 1], ['Watched', 1], ['People by the hour']],
        d.cameras.map((c) => [link(c.camera, { camera: c.camera, zone: '', line: '' }), String(c.people.n), range(c.people.usual), ...(d.in_progress ? [dash(c.in_view.now)] : []),
          c.in_view.most_at && c.in_view.most ? `${c.in_view.most} at ${clock(c.in_view.most_at, d.tz)}` : dash(c.in_view.most), percent(c.watched), hourly(c.people, d, `People at ${c.camera}`)])),
    ];
  }

  function compared(d) {
    if (!d.watched.seconds) return null;
    const n = d.past.filter((p) => p.compared).length;
    const when = d.in_progress ? ` until ${clock(d.up_to, d.tz)}` : '';
    return el('details', { class: 'panel' }, el('summary', {}, `Compared with ${n} of the last ${d.past.length} ${weekday(d.day)}s`),
      el('p', { class: 'small muted' }, `Days that were watched for about as long${when} are compared (90 % or more of the longer one). The others are not.`),
      table('', [['Day'], ['Watched', 1], ['In', 1], ['Out', 1], ['People', 1], ['Compared']],
        d.past.map((p) => [p.day, percent(p.watched), String(p.in), String(p.out), String(p.people), p.compared ? 'yes' : 'no'])).querySelector('.scroll'));
  }

  function draw(d) {
    day = d;
    const focus = document.activeElement?.id;
    const nobody = d.people.n === 0 && d.in.n === 0 && d.out.n === 0;
    const words = d.watched.seconds ? `Nobody was seen on ${longDay(d.day)}; watched ${watched(d)}.` : `Nobody watched on ${longDay(d.day)}.`;
    body.replaceChildren(...[
      nobody ? el('p', { class: 'panel empty' }, words) : stats(d),
      nobody ? null : chart(d), ...(d.watched.seconds ? tables(d) : []), compared(d),
      el('p', { class: 'small muted' }, [`Times of ${d.tz}.`, d.without_staff ? ' Staff is left out, where rules recognise it.' : '',
        d.in_progress && d.in_view.up_to ? ` Up to ${clock(d.in_view.up_to, d.tz)}.` : '', again.length || params.recount ? ` ${counted(again, params, d.tz)}` : ''].join('')),
    ].filter(Boolean));
    if (focus) document.getElementById(focus)?.focus();
  }

  function update(next) {
    params = next;
    controls();
    refresh(true);
  }

  controls();
  cameras(ctx.api).then((all) => { list = all; controls(); }, ctx.alert);
  recounts(ctx.api).then((all) => {
    again = all;
    if (!all.length) return;
    controls();
    if (day) draw(day);
  }, ctx.alert);
  refresh();
  return {
    update,
    unmount: () => {
      clearTimeout(timer);
      phone.onchange = null;
      load.end();
    },
  };
}
