// Days and times of the clock in a time zone (an IANA name), in words and figures.

export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

// isZone reports whether the browser knows the time zone.
export function isZone(tz) {
  try {
    return Boolean(new Intl.DateTimeFormat('en-GB', { timeZone: tz }));
  } catch {
    return false;
  }
}

const formats = new Map();

function format(tz, options) {
  const key = tz + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat('en-GB', { timeZone: tz, hourCycle: 'h23', ...options }));
  return formats.get(key);
}

const date = (at) => (at instanceof Date ? at : new Date(at));

export const clock = (at, tz) => format(tz, { hour: '2-digit', minute: '2-digit' }).format(date(at));
export const clockSeconds = (at, tz) => format(tz, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(date(at));
export const shortDay = (at, tz) => format(tz, { weekday: 'short', day: 'numeric', month: 'short' }).format(date(at));
export const moment = (at, tz) => `${shortDay(at, tz)}, ${clock(at, tz)}`;

// dayOf returns the date of a time, as 2026-11-27.
export function dayOf(at, tz) {
  const p = Object.fromEntries(format(tz, { year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(date(at)).map((x) => [x.type, x.value]));
  return `${p.year}-${p.month}-${p.day}`;
}

// A date has no time zone: it is formatted at noon of UTC.
const noon = (day) => new Date(`${day}T12:00:00Z`);
export const weekday = (day) => format('UTC', { weekday: 'long' }).format(noon(day));
export const longDay = (day) => format('UTC', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(noon(day));
export const addDays = (day, n) => new Date(noon(day).getTime() + n * 864e5).toISOString().slice(0, 10);
export const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text || '') && !Number.isNaN(noon(text).getTime());

// span returns '2 h 5 min' of seconds, with the two largest units; days only from two on.
export function span(seconds) {
  const s = Math.round(seconds);
  const days = s > 172_800;
  const parts = [[days ? Math.floor(s / 86400) : 0, 'd'], [days ? Math.floor(s / 3600) % 24 : Math.floor(s / 3600), 'h'], [Math.floor(s / 60) % 60, 'min'], [s % 60, 's']];
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return '0 s';
  return parts.slice(first, first + 2).filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}`).join(' ');
}
