// Small charts in SVG. Each says in words what it shows: a screen reader reads that, or the table beside it.
import { svg } from './dom.js';

// path of bars: an entry of values that is null has none.
function barsPath(values, most, x, width, bottom, height) {
  return values.map((v, i) => {
    if (!v) return '';
    const h = Math.max(1.5, (v / most) * height);
    return `M${(x(i)).toFixed(2)} ${bottom}v${(-h).toFixed(2)}h${width.toFixed(2)}v${h.toFixed(2)}z`;
  }).join('');
}

// unwatched is the path of a line below the entries that are null.
const unwatched = (values, x, step, y) => values.map((v, i) => (v === null ? `M${x(i).toFixed(2)} ${y}h${step.toFixed(2)}` : '')).join('');

// nice returns the end of a scale: a round number.
export function nice(most) {
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * [1, 2, 3, 4, 5, 6, 8, 10].find((n) => n * power >= most);
}

// sparkline draws a list by the hour, without axes.
export function sparkline(values, label) {
  const most = Math.max(1, ...values.map((v) => v || 0));
  const step = 96 / values.length;
  const x = (i) => i * step;
  return svg('svg', { class: 'spark', viewBox: '0 0 96 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    svg('path', { class: 'blind', d: unwatched(values, x, step, 23) }),
    svg('path', { class: 'fill', d: barsPath(values, most, x, step * 0.78, 22, 21) }));
}

// bars draws one or several series side by side over the hours of a day. series: [{name, values}]; labels: one an hour;
// title(i) is shown for the hour under the pointer; narrow is of a telephone.
export function bars({ series, labels, label, title, narrow }) {
  const W = narrow ? 340 : 960;
  const [left, right, top, bottom, high] = [34, 4, 8, 168, 160];
  const most = nice(Math.max(1, ...series.flatMap((s) => s.values.map((v) => v || 0))));
  const step = (W - left - right) / labels.length;
  const at = (i) => left + i * step;
  const width = (step * 0.76) / series.length;
  const chart = svg('svg', { class: 'bars', viewBox: `0 0 ${W} 192`, role: 'img', 'aria-label': label });
  for (const part of most === 1 ? [0, 1] : [0, 0.5, 1]) {
    const y = bottom - part * high;
    chart.append(svg('path', { class: 'rule', d: `M${left} ${y}H${W - right}` }), svg('text', { x: left - 6, y: y + 4, 'text-anchor': 'end' }, String(Math.round(most * part * 10) / 10)));
  }
  chart.append(svg('path', { class: 'blind', d: unwatched(series[0].values, at, step, bottom + 2) }));
  series.forEach((s, k) => chart.append(svg('path', { class: `fill s${k}`, d: barsPath(s.values, most, (i) => at(i) + step * 0.12 + k * width, width, bottom, high) })));
  const every = narrow ? 6 : 3;
  labels.forEach((text, i) => {
    if (i % every === 0) chart.append(svg('text', { x: at(i) + step / 2, y: bottom + 18, 'text-anchor': 'middle' }, text));
    chart.append(svg('rect', { class: 'hit', x: at(i), y: top, width: step, height: bottom - top }, svg('title', {}, title(i))));
  });
  return chart;
}

// axis returns the times at which a time axis has marks, and their texts: about so many, at whole units by the clock.
export function axis(since, until, most, { dayOf, clock, shortDay }) {
  const steps = [60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000];
  const step = steps.find((s) => (until - since) / 1000 / s <= most) || 7776000;
  const marks = [];
  if (step < 86400) {
    // Midnight by the clock is a mark, whatever the time zone is.
    for (let t = Math.ceil(since / 6e4) * 6e4; t < until; t += 6e4) {
      const [h, m] = clock(t).split(':').map(Number);
      if ((h * 3600 + m * 60) % step === 0) {
        marks.push({ at: t, text: h + m === 0 ? shortDay(t) : clock(t), strong: h + m === 0 });
        t += Math.max(0, step * 1000 - 36e5 - 6e4); // an hour less: the clock may change
      }
    }
    return marks;
  }
  let before = dayOf(since);
  let count = 0;
  for (let t = Math.ceil(since / 36e5) * 36e5; t < until; t += 18e5) {
    const day = dayOf(t);
    if (day === before) continue;
    before = day;
    if (count++ % Math.round(step / 86400) === 0) marks.push({ at: t, text: shortDay(t), strong: true });
  }
  return marks;
}

// Cividis (Nunez, Anderton, Renslow 2018): its lightness rises evenly, and people who do not tell red from green see
// the same colours.
const stops = ['00224e', '123570', '3b496c', '575d6d', '707173', '8a8678', 'a59c74', 'c3b369', 'e1cc55', 'fee838']
  .map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));

// colour returns [r, g, b] of 0 to 1.
export function colour(v) {
  const place = Math.min(Math.max(v, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(place), stops.length - 2);
  return stops[i].map((c, k) => Math.round(c + (stops[i + 1][k] - c) * (place - i)));
}
