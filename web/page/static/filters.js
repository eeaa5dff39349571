// What several views share: the choice of camera, zone and line, and their states.
import { byName, el } from './dom.js';
import { moment } from './time.js';

// cameras asks for the cameras with their zones and lines.
export async function cameras(api, signal) {
  const list = await api.get('cameras', {}, { signal });
  return list.cameras || list;
}

// recounts asks for what was counted again.
export const recounts = (api, signal) => api.get('recounts', {}, { signal });

// counting returns a field for the parameter recount, if there is a recount.
export function counting(all, params, change) {
  if (!all.length && !params.recount) return [];
  const known = all.some((r) => String(r.id) === params.recount);
  const select = el('select', { id: 'by-recount', onchange: () => change({ ...params, recount: select.value, zone: '', line: '' }) },
    el('option', { value: '' }, 'At the time'), all.map((r) => el('option', { value: r.id, selected: String(r.id) === params.recount }, `Recount ${r.id}`)),
    params.recount && !known ? el('option', { value: params.recount, selected: true }, `Recount ${params.recount}`) : null);
  return [el('div', { class: 'field' }, el('label', { for: 'by-recount' }, 'Counted'), select)];
}

// counted says which counting is shown, '' if there is only one.
export function counted(all, params, zone) {
  if (!params.recount) return all.length ? 'Zones and lines as they were counted at the time.' : '';
  const r = all.find((o) => String(o.id) === params.recount);
  const open = (text) => text.startsWith('1970') || text.startsWith('2200');
  const when = !r ? '' : `, ${r.cameras.join(', ')}${open(r.since) ? '' : ` from ${moment(r.since, zone)}`}${open(r.until) ? '' : ` until ${moment(r.until, zone)}`}`;
  return `Zones and lines as recount ${params.recount} counted them${when}.`;
}

const names = (of) => (Array.isArray(of) ? of : Object.keys(of || {}));

function choice(label, name, values, chosen, change) {
  const all = chosen && !values.includes(chosen) ? [...values, chosen] : values;
  if (!all.length) return null;
  const select = el('select', { id: `by-${name}`, onchange: () => change(select.value) },
    el('option', { value: '' }, 'All'), all.map((v) => el('option', { value: v, selected: v === chosen }, v)));
  return el('div', { class: 'field' }, el('label', { for: `by-${name}` }, label), select);
}

// filters returns fields for the parameters camera, zone and line. A camera that is chosen leaves its zones and lines.
export function filters(list, params, change, of = ['camera', 'zone', 'line']) {
  const among = params.camera ? list.filter((c) => c.id === params.camera) : list;
  const all = (of) => [...new Set(among.flatMap((c) => names(c[of])))].sort(byName);
  const set = (name) => (value) => change({ ...params, ...(name === 'camera' ? { zone: '', line: '' } : {}), [name]: value });
  return [
    of.includes('camera') && choice('Camera', 'camera', list.map((c) => c.id), params.camera, set('camera')),
    of.includes('zone') && choice('Zone', 'zone', all('zones'), params.zone, set('zone')),
    of.includes('line') && choice('Line', 'line', all('lines'), params.line, set('line')),
  ].filter(Boolean);
}

// loader runs one request at a time: a newer one ends the one before. While it runs, root is marked as busy.
export function loader(root, ctx) {
  let running = null;
  return {
    async run(f) {
      running?.abort();
      const mine = new AbortController();
      running = mine;
      root.ariaBusy = 'true';
      try {
        await f(mine.signal);
      } catch (error) {
        if (mine.signal.aborted || error.name === 'AbortError') return;
        root.replaceChildren(el('p', { class: 'empty' }, error.message));
        ctx.alert(error);
      } finally {
        if (running === mine) {
          root.ariaBusy = 'false';
          running = null;
        }
      }
    },
    end: () => running?.abort(),
  };
}

// debounced calls f once, some milliseconds after the last call.
export function debounced(f, ms) {
  let timer = 0;
  const call = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(f, ms, ...args);
  };
  call.end = () => clearTimeout(timer);
  return call;
}
