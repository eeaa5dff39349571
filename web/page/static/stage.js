// The picture on which shapes are drawn: by mouse, touch or keyboard.
import { svg } from './dom.js';
import { kinds, title } from './shapes.js';

const percent = (v) => `${Math.round(v * 1000) / 10} %`;

// stage returns an SVG element and functions: draw() shows shapes anew, tool(kind) begins to draw one, '' stops that.
// picture(url) and heat(url) set what is behind the shapes. changed() is called after each change, said(text) with what a screen reader should say.
export function stage({ shapes, width, height, editable, changed, said, toolEnded }) {
  const picture = svg('image', { width, height, preserveAspectRatio: 'none', class: 'picture' });
  const heat = svg('image', { width, height, preserveAspectRatio: 'none', class: 'heat' });
  const grid = svg('g', { class: 'grid-lines', 'aria-hidden': 'true' });
  for (let k = 1; k < 10; k++) {
    grid.append(svg('path', { d: `M${width * k / 10} 0V${height}M0 ${height * k / 10}H${width}` }));
  }
  const drawn = svg('g');
  const open = svg('g', { class: 'open', 'aria-hidden': 'true' });
  const root = svg('svg', {
    viewBox: `0 0 ${width} ${height}`, class: 'stage', role: 'group', tabindex: editable ? 0 : null,
    'aria-label': editable ? 'The picture. Choose a shape to draw; arrow keys move the cross, Enter sets a point.' : 'The picture with its shapes.',
  }, grid, picture, heat, drawn, open);
  let kind = '';
  let points = [];
  let cross = [0.5, 0.5];

  const unit = () => width / (root.clientWidth || width); // of the drawing in a CSS pixel
  const X = (p) => p[0] * width;
  const Y = (p) => p[1] * height;
  const path = (ps, closed) => ps.map((p, i) => `${i ? 'L' : 'M'}${X(p)} ${Y(p)}`).join('') + (closed ? 'Z' : '');

  function where(e) {
    const box = root.getBoundingClientRect();
    return [(e.clientX - box.left) / box.width, (e.clientY - box.top) / box.height];
  }

  function label(s, i, u) {
    const top = s.points.reduce((a, b) => (b[1] < a[1] ? b : a));
    return svg('text', { x: Math.min(X(top) + 6 * u, width - 60 * u), y: Math.max(Y(top) - 8 * u, 16 * u), 'font-size': 13 * u, 'stroke-width': 3 * u, class: 'name', 'aria-hidden': 'true' }, title(shapes.list, i));
  }

  // arrow shows where "in" leads: to the right, seen from the line's first point to its second.
  function arrow(s, u) {
    const [a, b] = s.points;
    const [dx, dy] = [X(b) - X(a), Y(b) - Y(a)];
    const length = Math.hypot(dx, dy) || 1;
    const [nx, ny] = [-dy / length, dx / length];
    const [mx, my] = [(X(a) + X(b)) / 2, (Y(a) + Y(b)) / 2];
    const [tx, ty] = [mx + nx * 34 * u, my + ny * 34 * u];
    const wing = (w) => `${tx - nx * 10 * u + w * ny * 7 * u} ${ty - ny * 10 * u - w * nx * 7 * u}`;
    return svg('g', { class: 'arrow', 'aria-hidden': 'true' },
      svg('path', { d: `M${mx} ${my}L${tx} ${ty}M${wing(1)}L${tx} ${ty}L${wing(-1)}` }),
      svg('text', { x: tx + nx * 12 * u, y: ty + ny * 12 * u, 'font-size': 13 * u, 'stroke-width': 3 * u, 'text-anchor': 'middle', 'dominant-baseline': 'middle' }, 'in'));
  }

  function draw(focus) {
    const u = unit();
    const had = focus || root.querySelector(':focus')?.dataset.at;
    root.style.setProperty('--unit', `${u}px`);
    drawn.replaceChildren(...shapes.list.map((s, i) => {
      const selected = i === shapes.selected;
      const g = svg('g', { class: `shape ${s.kind}${selected ? ' selected' : ''}` });
      const closed = s.kind !== 'line';
      const body = svg('path', { d: s.kind === 'region' ? `M0 0H${width}V${height}H0Z${path(s.points, true)}` : path(s.points, closed), class: 'body' });
      g.append(body);
      if (s.kind === 'line') g.append(svg('path', { d: path(s.points), class: 'wide' }), arrow(s, u));
      g.append(label(s, i, u));
      if (!editable) return g;
      g.onpointerdown = (e) => { if (!kind && e.button === 0 && s.kind !== 'region') grab(e, i, -1); };
      if (selected && !kind) g.append(...handles(s, i, u));
      return g;
    }));
    drawOpen(u);
    if (had) drawn.querySelector(`[data-at="${had}"]`)?.focus();
  }

  function handles(s, i, u) {
    const all = [];
    s.points.forEach((p, k) => {
      const next = s.points[(k + 1) % s.points.length];
      if (s.kind === 'zone' || s.kind === 'mask') {
        const middle = [(p[0] + next[0]) / 2, (p[1] + next[1]) / 2];
        const add = () => { shapes.insert(i, k); changed(); draw(`${i}.${k + 1}`); };
        const h = svg('g', { class: 'middle', 'aria-hidden': 'true' },
          svg('circle', { cx: X(middle), cy: Y(middle), r: 12 * u, class: 'hit' }), svg('circle', { cx: X(middle), cy: Y(middle), r: 4 * u }));
        h.onpointerdown = (e) => { e.stopPropagation(); add(); grab(e, i, k + 1, true); };
        all.push(h);
      }
    });
    s.points.forEach((p, k) => {
      const h = svg('g', {
        class: 'point', tabindex: 0, role: 'button', 'data-at': `${i}.${k}`,
        'aria-label': `Point ${k + 1} of ${title(shapes.list, i)}: ${percent(p[0])} from the left, ${percent(p[1])} from the top`,
      }, svg('circle', { cx: X(p), cy: Y(p), r: 13 * u, class: 'hit' }), svg('circle', { cx: X(p), cy: Y(p), r: 6 * u }));
      h.onpointerdown = (e) => { e.stopPropagation(); if (e.button === 0) grab(e, i, k); };
      h.onkeydown = (e) => key(e, i, k);
      all.push(h);
    });
    return all;
  }

  // grab moves a point, or the whole shape (k is -1), while the pointer is down.
  function grab(e, i, k, kept) {
    e.preventDefault();
    shapes.selected = i;
    const from = where(e);
    const before = JSON.stringify(shapes.list);
    let last = from;
    let moved = false;
    draw(k >= 0 ? `${i}.${k}` : undefined);
    root.setPointerCapture(e.pointerId);
    root.onpointermove = (m) => {
      const at = where(m);
      if (!moved && Math.hypot(at[0] - from[0], at[1] - from[1]) < 0.004) return;
      if (!moved && !kept) {
        shapes.past.push(before);
        shapes.future = [];
      }
      moved = true;
      if (k >= 0) shapes.move(i, k, shapes.put(...at, shapes.list[i].points[k]));
      else shapes.shift(i, at[0] - last[0], at[1] - last[1]);
      last = at;
      draw();
    };
    root.onpointerup = root.onpointercancel = () => {
      root.onpointermove = root.onpointerup = root.onpointercancel = null;
      changed(moved);
    };
  }

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function key(e, i, k) {
    const d = arrows[e.key];
    if (d) {
      const step = e.shiftKey ? 0.05 : 0.005;
      const [x, y] = shapes.list[i].points[k];
      shapes.keep();
      shapes.move(i, k, [x + d[0] * step, y + d[1] * step]);
      const [nx, ny] = shapes.list[i].points[k];
      said(`${percent(nx)}, ${percent(ny)}`);
      draw(`${i}.${k}`);
    } else if (e.key === 'Delete' || e.key === 'Backspace') {
      shapes.removePoint(i, k);
      draw(shapes.selected === i ? `${i}.${Math.max(0, k - 1)}` : undefined);
      if (shapes.selected < 0) root.focus();
    } else if (e.key === 'Insert' || e.key === '+') {
      if (!kinds[shapes.list[i].kind].most) shapes.insert(i, k);
      draw(`${i}.${k + 1}`);
    } else return;
    e.preventDefault();
    e.stopPropagation();
    changed(true);
  }

  // The shape that is being drawn.
  function drawOpen(u = unit()) {
    open.replaceChildren();
    if (!kind) return;
    const [x, y] = [X(cross), Y(cross)];
    const region = kind === 'region' && points.length ? `M${X(points[0])} ${Y(points[0])}H${x}V${y}H${X(points[0])}Z` : path([...points, cross]);
    open.append(svg('path', { d: `M${x - 14 * u} ${y}H${x + 14 * u}M${x} ${y - 14 * u}V${y + 14 * u}`, class: 'cross' }), svg('path', { d: region, class: 'body' }),
      ...points.map((p) => svg('circle', { cx: X(p), cy: Y(p), r: 5 * u })));
  }

  function set(p) {
    const first = points[0];
    const most = kind === 'region' ? 2 : kinds[kind].most;
    if (first && points.length >= kinds[kind].least && Math.hypot(p[0] - first[0], p[1] - first[1]) < 0.02) {
      finish();
      return;
    }
    if (points.some((o) => o[0] === p[0] && o[1] === p[1])) return;
    points.push(p);
    said(`Point ${points.length}: ${percent(p[0])} from the left, ${percent(p[1])} from the top`);
    if (points.length === most) finish();
    else drawOpen();
  }

  function finish() {
    const enough = kind === 'region' ? 2 : kinds[kind].least;
    if (points.length < enough) {
      said(`${enough - points.length} more points are needed.`);
      return;
    }
    shapes.add(kind, points);
    said(`${title(shapes.list, shapes.selected)} is drawn.`);
    tool('');
    changed(true);
    draw(`${shapes.selected}.0`);
  }

  function tool(next) {
    kind = next;
    points = [];
    cross = [0.5, 0.5];
    root.classList.toggle('drawing', kind !== '');
    if (kind) root.focus();
    else toolEnded();
    draw();
  }

  if (editable) {
    root.addEventListener('pointerdown', (e) => {
      if (kind && e.button === 0) {
        e.preventDefault();
        cross = shapes.put(...where(e));
        set(cross);
      } else if (e.target === root || e.target === picture || e.target.closest('.grid-lines, .region > .body')) {
        shapes.selected = -1;
        draw();
        changed(false);
      }
    });
    root.addEventListener('pointermove', (e) => {
      if (!kind) return;
      cross = shapes.put(...where(e));
      drawOpen();
    });
    root.addEventListener('dblclick', () => { if (kind) finish(); });
    root.addEventListener('keydown', (e) => {
      if (!kind) return;
      const d = arrows[e.key];
      const step = e.shiftKey ? 0.1 : 0.01;
      if (d) cross = [cross[0] + d[0] * step, cross[1] + d[1] * step].map((v) => Math.min(1, Math.max(0, Math.round(v * 1000) / 1000)));
      else if (e.key === 'Enter' || e.key === ' ') {
        if (points.length && e.key === 'Enter' && points.at(-1)[0] === cross[0] && points.at(-1)[1] === cross[1]) finish();
        else set([...cross]);
      } else if (e.key === 'Backspace' && points.length) points.pop();
      else if (e.key === 'Escape') tool('');
      else return;
      e.preventDefault();
      if (d) said(`${percent(cross[0])}, ${percent(cross[1])}`);
      drawOpen();
    });
  }
  const watch = new ResizeObserver(() => draw());
  watch.observe(root);
  return { root, draw, tool, finish, picture: (url) => picture.setAttribute('href', url), heat: (url) => (url ? heat.setAttribute('href', url) : heat.removeAttribute('href')), end: () => watch.disconnect() };
}
