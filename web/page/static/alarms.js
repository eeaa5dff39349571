// The alarms, the newest first: what happened, who was told, and who has seen it. An admin acknowledges one.
import { el } from './dom.js';
import { cameras, filters, loader } from './filters.js';
import { moment, ownZone, span } from './time.js';

const every = 60000; // milliseconds: an event says at once that there is something new
const pageSize = 50;
const states = [['', 'All'], ['open', 'Not over'], ['unacknowledged', 'Not acknowledged'], ['over', 'Over']];
const unsent = { old: 'not sent: it was found too late', cooldown: 'not sent: within the cooldown of another' };

export function mount(root, params, ctx) {
  const bar = el('div', { class: 'toolbar' });
  const list = el('div', { class: 'panel' }, el('p', { class: 'empty' }, 'Loading …'));
  root.append(el('div', { class: 'head' }, el('h1', {}, 'Alarms')), bar, list);
  const load = loader(list, ctx);
  const zone = () => params.tz || ownZone();
  let known = [];
  let shown = null;
  let timer = 0;

  function select(label, name, options) {
    const s = el('select', { id: `by-${name}`, onchange: () => ctx.navigate({ ...params, [name]: s.value }) },
      options.map(([value, text]) => el('option', { value, selected: value === (params[name] || '') }, text)));
    return el('div', { class: 'field' }, el('label', { for: `by-${name}` }, label), s);
  }

  function controls(rules) {
    const all = params.rule && !rules.includes(params.rule) ? [...rules, params.rule] : rules;
    bar.replaceChildren(select('State', 'state', states), select('Rule', 'rule', [['', 'All'], ...all.map((r) => [r, r])]),
      ...filters(known, params, (p) => ctx.navigate(p), ['camera']), ...(params.rule && ctx.session.role === 'admin' ? [test(params.rule)] : []));
  }

  // test sends a test to the receivers of a rule, and says who has taken it.
  function test(rule) {
    const b = el('button', { type: 'button', id: 'test-rule' }, 'Send a test');
    b.onclick = async () => {
      b.disabled = true;
      try {
        const { receivers } = await ctx.api.post(`alarms/${encodeURIComponent(rule)}/test`);
        const failed = receivers.filter((r) => !r.taken).map((r) => `${r.receiver}: ${r.error}`);
        if (failed.length) ctx.alert(`The test was not taken. ${failed.join('; ')}`);
        else ctx.announce(`The test was taken by ${receivers.map((r) => r.receiver).join(', ')}.`);
      } catch (error) {
        ctx.alert(error);
      }
      b.disabled = false;
    };
    return b;
  }

  const query = () => ({ state: params.state, rule: params.rule, camera: params.camera, since: params.since, until: params.until, limit: pageSize });

  const ask = () => load.run(async (signal) => {
    clearTimeout(timer);
    if (!known.length) known = await cameras(ctx.api, signal);
    if (!document.hidden) {
      const page = await ctx.api.get('alarms', query(), { signal });
      if (JSON.stringify(page) !== shown) { // else what has the focus would lose it
        shown = JSON.stringify(page);
        if (!bar.contains(document.activeElement)) controls(page.rules);
        draw(page);
      }
    }
    timer = setTimeout(ask, every);
  });

  function draw(page) {
    if (!page.alarms.length) {
      list.replaceChildren(el('p', { class: 'empty' }, page.rules.length ? 'There is no alarm of this kind.'
        : 'There was no alarm yet. Rules are in the configuration, as alarms.'));
      return;
    }
    const rows = el('ul', { class: 'alarms' }, ...page.alarms.map(item));
    const more = el('button', { type: 'button', hidden: !page.next }, 'Older');
    more.onclick = async () => {
      clearTimeout(timer); // the list stays as it is while somebody looks back
      first = false;
      more.disabled = true;
      try {
        page = await ctx.api.get('alarms', { ...query(), cursor: page.next });
        rows.append(...page.alarms.map(item));
        more.hidden = !page.next;
      } catch (error) {
        ctx.alert(error);
      }
      more.disabled = false;
    };
    list.replaceChildren(rows, more);
  }

  function item(a) {
    const li = el('li', { data: { alarm: a.id } });
    fill(li, a);
    return li;
  }

  function fill(li, a) {
    const lasts = a.ended_at === null;
    const moments = a.kind === 'crossing' || a.kind === 'loitering';
    const [level, word] = lasts ? ['bad', 'Not over'] : a.acked_at ? ['ok', 'Seen'] : ['warn', 'Over'];
    const end = lasts || moments ? '' : `, for ${span((new Date(a.ended_at) - new Date(a.began_at)) / 1000)}${a.outcome ? ` (ended: ${a.outcome})` : ''}`;
    const seen = a.acked_at ? el('span', { class: 'muted small' }, `${a.acked_by}, ${moment(a.acked_at, zone())}`) : ack(li, a);
    li.replaceChildren(el('span', { class: 'badge', data: { level } }, word),
      el('div', { class: 'what' }, el('b', {}, a.message), el('span', { class: 'muted small' }, `${a.rule} · ${moment(a.began_at, zone())}${end}`), told(a)), seen);
  }

  function ack(li, a) {
    if (ctx.session.role !== 'admin') return el('span', { class: 'muted small' }, 'Not acknowledged');
    const b = el('button', { type: 'button', ariaLabel: `Acknowledge ${a.message}` }, 'Acknowledge');
    b.onclick = async () => {
      b.disabled = true;
      try {
        fill(li, await ctx.api.post(`alarms/${a.id}/ack`));
        shown = null;
        ctx.announce('Acknowledged.');
      } catch (error) {
        b.disabled = false;
        ctx.alert(error);
      }
    };
    return b;
  }

  // told says who got the alarm.
  function told(a) {
    if (a.unsent) return el('span', { class: 'muted small' }, unsent[a.unsent] || a.unsent);
    const words = a.deliveries.filter((d) => d.event === 'began').map((d) => d.state === 'sent' ? `${d.receiver} told`
      : d.state === 'dead' ? `${d.receiver} did not take it: ${d.error}` : d.attempts ? `${d.receiver} not reached yet: ${d.error}` : `${d.receiver} is next`);
    return words.length ? el('span', { class: 'muted small' }, words.join(' · ')) : null;
  }

  const visible = () => { if (!document.hidden) ask(); };
  let first = true; // an older page is being read: what is new is not shown
  const silence = ctx.api.events(['alarm'], () => { if (first) ask(); });
  document.addEventListener('visibilitychange', visible);
  ask();
  return {
    unmount() {
      load.end();
      silence();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', visible);
    },
    update(next) {
      params = next;
      shown = null;
      first = true;
      ask();
    },
  };
}
