// Zones, lines, masks and the region of a camera, drawn on its picture.
import { el } from './dom.js';
import { background } from './heatmap.js';
import { still } from './picture.js';
import { fromAPI, kinds, Shapes, title, toAPI } from './shapes.js';
import { stage } from './stage.js';

const drafts = new Map(); // what is not saved, by camera, while the page is open

export async function mount(root, params, ctx) {
  const admin = ctx.session?.role === 'admin';
  const { cameras } = await ctx.api.get('settings');
  const choose = el('select', { id: 'camera', onchange: () => ctx.navigate({ camera: choose.value }) }, ...cameras.map((c) => el('option', { value: c }, c)));
  const body = el('div', {});
  root.append(el('div', { class: 'head' }, el('h1', {}, 'Settings'),
    el('div', { class: 'field row' }, el('label', { for: 'camera' }, 'Camera'), choose)), body);
  if (!cameras.length) {
    body.append(el('p', { class: 'empty' }, 'No camera has been seen yet.'));
    return awaitCameras(root, params, ctx);
  }
  let end = () => {};
  let turn = 0;
  const show = async (camera) => {
    const mine = ++turn;
    end();
    end = () => {};
    choose.value = camera;
    const response = await ctx.api.raw('GET', `cameras/${encodeURIComponent(camera)}/shapes`);
    const answer = await response.json();
    if (mine !== turn) return;
    end = editor(body, camera, answer, response.headers.get('ETag'), admin, ctx, () => show(camera));
  };
  const pick = (p) => (cameras.includes(p.camera) ? p.camera : cameras[0]);
  if (params.camera && !cameras.includes(params.camera)) ctx.alert(`There is no camera ${params.camera}.`);
  await show(pick(params));
  const leave = (e) => { if (drafts.size) e.preventDefault(); };
  window.addEventListener('beforeunload', leave);
  return {
    unmount: () => { turn++; end(); window.removeEventListener('beforeunload', leave); },
    update: (p) => show(pick(p)).catch(ctx.alert),
  };
}

// awaitCameras mounts the view again when there are cameras: sightlog may just be starting.
function awaitCameras(root, params, ctx) {
  let ended = false;
  let view = null;
  const timer = setInterval(async () => {
    const found = await ctx.api.get('settings').catch(() => null); // the next look tells
    if (ended || view || !found?.cameras.length) return;
    clearInterval(timer);
    root.replaceChildren();
    view = await mount(root, params, ctx);
    if (ended) view.unmount();
  }, 1000);
  return () => {
    ended = true;
    clearInterval(timer);
    view?.unmount();
  };
}

// editor fills body with the picture of a camera and its shapes, and returns a function that ends it.
function editor(body, camera, answer, tag, admin, ctx, again) {
  const [width, height] = answer.width ? [answer.width, answer.height] : [1600, 900];
  const shapes = new Shapes(fromAPI(answer));
  const draft = drafts.get(camera);
  if (draft && admin) shapes.list = JSON.parse(draft);
  const path = (what) => `cameras/${encodeURIComponent(camera)}/${what}`;
  const wrong = el('p', { class: 'wrong', role: 'alert' });
  const counted = el('p', { class: 'muted small', id: 'counted' });
  const list = el('ul', { class: 'shapes' });
  const table = el('div', { class: 'points' });
  const diff = el('div', { class: 'diff', hidden: true });
  let trial = null;
  let asked = null;
  let timer = 0;
  const gone = new AbortController();

  const at = stage({ shapes, width, height, editable: admin, changed, said: ctx.announce, toolEnded: () => press('') });
  const tools = Object.entries(kinds).map(([kind, k]) => el('button', {
    type: 'button', data: { tool: kind }, 'aria-pressed': 'false',
    onclick: (e) => { const on = e.currentTarget.getAttribute('aria-pressed') === 'true'; press(on ? '' : kind); at.tool(on ? '' : kind); },
  }, k.label));
  const undo = el('button', { type: 'button', class: 'quiet', onclick: () => { shapes.undo(); changed(true); } }, 'Undo');
  const redo = el('button', { type: 'button', class: 'quiet', onclick: () => { shapes.redo(); changed(true); } }, 'Redo');
  const snap = el('input', { type: 'checkbox', checked: true, onchange: () => { shapes.snap = snap.checked; } });
  const heat = el('input', { type: 'checkbox', id: 'heat', onchange: warm });
  const save = el('button', { type: 'button', class: 'primary', data: { do: 'save' }, onclick: compare }, 'Save …');
  const discard = el('button', { type: 'button', class: 'quiet', data: { do: 'discard' }, onclick: () => { drafts.delete(camera); again().catch(ctx.alert); } }, 'Discard');
  const hint = el('p', { class: 'muted small' });
  const none = el('p', { class: 'note', id: 'nopicture', role: 'status', hidden: true });
  const state = el('p', { class: 'note', id: 'state' });

  function press(kind) {
    for (const b of tools) b.setAttribute('aria-pressed', String(b.dataset.tool === kind));
    hint.textContent = {
      '': 'Drag points and shapes, or reach points with Tab: arrow keys move, + adds, Delete removes.',
      line: 'Set its two ends. People who go the arrow’s way come in.',
      region: 'Set two corners: only this part is looked at.',
    }[kind] ?? 'Set points; the first point again, a double click or Enter twice ends the outline. Escape gives up.';
  }

  // changed shows the shapes anew; after a real change the preview follows.
  function changed(real = true) {
    if (real) {
      diff.hidden = true;
      if (shapes.changed) drafts.set(camera, JSON.stringify(shapes.list));
      else drafts.delete(camera);
      clearTimeout(timer);
      timer = setTimeout(preview, 400);
    }
    at.draw();
    show();
  }

  function show() {
    undo.disabled = !shapes.past.length;
    redo.disabled = !shapes.future.length;
    save.disabled = discard.disabled = !shapes.changed;
    state.textContent = shapes.changed ? 'There are changes that are not saved.' : answer.note || '';
    list.replaceChildren(...shapes.list.map(row));
    if (!shapes.list.length) list.append(el('li', { class: 'muted' }, 'Nothing is drawn: people are counted in the whole picture.'));
    table.replaceChildren(...(shapes.selected >= 0 ? [coordinates(shapes.selected)] : []));
  }

  function row(s, i) {
    const name = kinds[s.kind].named
      ? el('input', { value: s.name, disabled: !admin, maxLength: 64, ariaLabel: `Name of ${title(shapes.list, i)}`, size: 12,
        onchange: (e) => { wrong.textContent = shapes.rename(i, e.target.value.trim()); changed(!wrong.textContent); } })
      : el('span', {}, title(shapes.list, i));
    const button = (text, label, f, cls = 'quiet') => el('button', { type: 'button', class: cls, ariaLabel: `${label} ${title(shapes.list, i)}`, onclick: f }, text);
    return el('li', { class: i === shapes.selected ? 'selected' : '', data: { shape: title(shapes.list, i) } },
      el('span', { class: `mark ${s.kind}` }), el('span', { class: 'kind muted small' }, kinds[s.kind].label), name, el('span', { class: 'figure' }, figure(s)),
      button('Points', 'Show the points of', () => { shapes.selected = shapes.selected === i ? -1 : i; changed(false); }),
      admin && s.kind === 'line' && button('⇄', 'Turn around', () => { shapes.turnAround(i); changed(); }, 'quiet icon'),
      admin && button('✕', 'Delete', () => { shapes.remove(i); changed(); }, 'quiet icon'));
  }

  // figure is what the newest hour has of a shape.
  function figure(s) {
    if (!trial || !trial.frames) return '';
    const found = (all) => all.find((o) => o.name === s.name);
    if (s.kind === 'zone' && found(trial.zones)) return `${found(trial.zones).visits} visits, at most ${found(trial.zones).most} at once`;
    if (s.kind === 'line' && found(trial.lines)) return `${found(trial.lines).in} in, ${found(trial.lines).out} out`;
    return '';
  }

  function coordinates(i) {
    const s = shapes.list[i];
    const cell = (k, axis) => el('td', {}, el('input', {
      type: 'number', min: 0, max: 100, step: 0.1, value: Math.round(s.points[k][axis] * 1000) / 10, disabled: !admin,
      ariaLabel: `Point ${k + 1}, percent from the ${axis ? 'top' : 'left'}`,
      onchange: (e) => {
        const p = [...s.points[k]];
        p[axis] = Number(e.target.value) / 100;
        if (!(p[axis] >= 0 && p[axis] <= 1)) { wrong.textContent = 'Give 0 to 100 percent.'; return; }
        wrong.textContent = '';
        shapes.keep();
        shapes.move(i, k, p);
        changed();
      },
    }));
    return el('table', {}, el('caption', { class: 'small muted' }, `Points of ${title(shapes.list, i)}, in percent of the picture`),
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Point'), el('th', { scope: 'col' }, 'From the left'), el('th', { scope: 'col' }, 'From the top'))),
      el('tbody', {}, ...s.points.map((_, k) => el('tr', {}, el('th', { scope: 'row' }, String(k + 1)), cell(k, 0), cell(k, 1)))));
  }

  // warm shows where people stood in the last day behind the shapes, or no longer.
  async function warm() {
    at.heat('');
    if (!heat.checked) return;
    try {
      const map = await background(ctx.api, camera, gone.signal);
      if (heat.checked) at.heat(map);
      if (!map) hint.textContent = 'Nobody was seen in the last 24 hours: there is no heat map.';
    } catch (error) {
      if (error.name !== 'AbortError') wrong.textContent = error.message;
    }
  }

  async function preview() {
    if (!admin) return;
    asked?.abort();
    asked = new AbortController();
    counted.textContent = 'Counting the newest hour …';
    try {
      trial = await ctx.api.post(path('shapes/preview'), toAPI(shapes.list), { signal: asked.signal });
      wrong.textContent = '';
      counted.textContent = trial.frames
        ? `The newest hour of detections: ${trial.frames} frames, ${trial.detections} detections, ${trial.masked} of them masked${trial.outside ? `, ${trial.outside} outside the region` : ''}.`
        : 'No detections are stored yet, so there is nothing to count.';
      counted.dataset.done = String(Number(counted.dataset.done || 0) + 1);
      show();
    } catch (error) {
      if (error.name === 'AbortError') return;
      counted.textContent = '';
      wrong.textContent = error.message;
    }
  }

  // compare shows what would be written.
  async function compare() {
    try {
      const d = await ctx.api.post(path('shapes/diff'), toAPI(shapes.list));
      wrong.textContent = '';
      const write = el('button', { type: 'button', class: 'primary', data: { do: 'write' }, onclick: put, disabled: Boolean(d.note) }, 'Write');
      diff.replaceChildren(el('h2', {}, 'This is written into the configuration file'),
        el('pre', { tabIndex: 0, ariaLabel: 'Lines that change' }, ...d.lines.map((l) => el('span', { class: l.op === '+' ? 'added' : 'removed' }, `${l.op} ${l.text}\n`))),
        d.note ? el('p', { class: 'note' }, d.note) : '',
        el('div', { class: 'toolbar' }, write, el('button', { type: 'button', class: 'quiet', onclick: () => { diff.hidden = true; save.focus(); } }, 'Cancel')));
      diff.hidden = false;
      (d.note ? diff.querySelector('pre') : write).focus();
    } catch (error) {
      wrong.textContent = error.message;
    }
  }

  async function put() {
    try {
      const response = await ctx.api.raw('PUT', path('shapes'), { body: toAPI(shapes.list), headers: { 'If-Match': tag } });
      answer = await response.json();
      tag = response.headers.get('ETag');
      drafts.delete(camera);
      shapes.written();
      diff.hidden = true;
      show();
      state.textContent = answer.in_use ? `Saved. The camera counts with it from its next frames on. ${answer.note || ''}` : `Saved. ${answer.note}`;
      ctx.announce(state.textContent);
    } catch (error) {
      wrong.textContent = error.message;
      diff.hidden = true;
    }
  }

  body.replaceChildren(el('div', { class: 'settings' },
    el('section', { class: 'panel', ariaLabel: `Picture of ${camera}` },
      el('div', { class: 'toolbar tools' }, admin && el('div', { class: 'group', role: 'group', ariaLabel: 'Draw' }, ...tools), admin && undo, admin && redo,
        admin && el('label', { class: 'check' }, snap, 'Snap'), el('label', { class: 'check' }, heat, 'Heat map')),
      el('div', { class: 'frame' }, at.root), none, hint),
    el('section', { class: 'panel' }, el('h2', {}, 'Shapes'), wrong, list, table, counted, state,
      admin ? el('div', { class: 'toolbar' }, save, discard) : el('p', { class: 'muted' }, 'Only an administrator may change them.'), diff)));
  if (admin) press('');
  at.draw();
  show();
  preview();
  let url = '';
  still(ctx.api, camera, {
    signal: gone.signal,
    show: (address) => { at.picture(url = address); none.hidden = true; },
    said: (text) => { none.textContent = text; none.hidden = false; }, // and there is the grid
  });
  return () => {
    clearTimeout(timer);
    asked?.abort();
    gone.abort();
    at.end();
    if (url) URL.revokeObjectURL(url);
  };
}
