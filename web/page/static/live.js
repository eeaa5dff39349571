// The cameras as they are now. Cameras out of sight are not asked for, nor is any while the tab is hidden.
import { byName, el } from './dom.js';
import { Stream } from './live_stream.js';
import { Tile } from './live_tile.js';

const overlays = [['boxes', 'Boxes'], ['numbers', 'Numbers'], ['zones', 'Zones'], ['lines', 'Lines']];
const shapesEvery = 10_000; // ms: zones and lines may be changed while they are shown
const shownFPS = { grid: 5, crowd: 2, one: 10 };

export function mount(root, params, ctx) {
  const view = new Live(root, ctx);
  view.update(params);
  return { unmount: () => view.unmount(), update: (p) => view.update(p) };
}

class Live {
  constructor(root, ctx) {
    this.ctx = ctx;
    this.tiles = new Map();
    this.inSight = new Set();
    this.skew = 0;
    this.show = { boxes: true, numbers: true, zones: true, lines: true, ...JSON.parse(localStorage.getItem('overlays') || '{}') };
    this.grid = el('ul', { class: 'cameras' });
    this.empty = el('p', { class: 'empty' }, 'Waiting for cameras …');
    this.title = el('h1', {}, 'Live');
    this.back = el('button', { type: 'button', hidden: true, onclick: () => ctx.navigate({}) }, 'All cameras');
    root.append(el('div', { class: 'head' }, this.title, this.back, this.switches()), this.grid, this.empty);
    this.observer = new IntersectionObserver((entries) => {
      for (const e of entries) this.inSight[e.isIntersecting ? 'add' : 'delete'](e.target.dataset.camera);
      this.ask();
    }, { rootMargin: '100px' });
    this.stream = new Stream(ctx.api, {
      picture: (p, jpeg) => this.tiles.get(p.camera)?.picture(p, jpeg, this.show),
      status: (s) => this.status(s),
      lost: (error) => this.lost(error),
    });
    this.ticker = setInterval(() => this.tick(), 500);
    this.shapesTimer = setInterval(() => this.shapes(), shapesEvery);
    this.listeners = new AbortController();
    const on = { signal: this.listeners.signal };
    document.addEventListener('visibilitychange', () => this.ask(), on);
    addEventListener('resize', () => this.ask(), on);
    addEventListener('keydown', (e) => this.key(e), on);
    this.shapes();
  }

  switches() {
    return el('div', { class: 'group toggles', role: 'group', 'aria-label': 'Overlay' }, overlays.map(([name, label]) => {
      const button = el('button', { type: 'button', 'aria-pressed': `${this.show[name]}`, data: { overlay: name } }, label);
      button.onclick = () => {
        this.show[name] = !this.show[name];
        button.setAttribute('aria-pressed', `${this.show[name]}`);
        localStorage.setItem('overlays', JSON.stringify(this.show));
        for (const t of this.tiles.values()) t.draw(this.show);
      };
      return button;
    }));
  }

  // update shows one camera large, or all.
  update({ camera = '' }) {
    const before = this.one;
    this.one = camera;
    this.arrange();
    if (before === undefined || before === camera) return;
    if (camera) this.back.focus();
    else this.tiles.get(before)?.button.focus();
  }

  arrange() {
    const single = this.one !== '';
    this.back.hidden = !single;
    this.title.textContent = single ? this.one : 'Live';
    for (const [id, t] of this.tiles) t.element.hidden = single && id !== this.one;
    this.grid.dataset.count = single ? 1 : Math.min(this.tiles.size, 5);
    this.grid.classList.toggle('one', single);
    this.empty.hidden = this.tiles.size > 0 && (!single || this.tiles.has(this.one));
    if (single && !this.tiles.has(this.one) && this.tiles.size) this.empty.textContent = `There is no camera ${this.one} now.`;
    this.ask();
  }

  // ask asks for the cameras in sight, a moment later: a scroll passes many.
  ask() {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      if (document.hidden) {
        this.stream.ask(null);
        return;
      }
      const single = this.one !== '';
      const cameras = single ? [this.one] : [...this.inSight].filter((id) => this.tiles.has(id)).sort(byName);
      const tile = this.tiles.get(cameras[0]);
      const width = Math.ceil((tile?.canvas.parentElement.clientWidth || 480) * Math.min(devicePixelRatio || 1, 2));
      const fps = single ? shownFPS.one : cameras.length > 12 ? shownFPS.crowd : shownFPS.grid;
      this.stream.ask({ cameras, width: Math.min(Math.ceil(width / 160) * 160, single ? 1920 : 960), fps });
    }, 120);
  }

  status({ now, cameras }) {
    this.skew = Date.parse(now) - Date.now();
    for (const c of cameras || []) this.tile(c.id).state = c;
    if (!this.tiles.size) this.empty.textContent = 'No camera is read now.';
    this.tick();
  }

  lost(error) {
    for (const t of this.tiles.values()) t.state = { ...t.state, state: 'off', problem: 'sightlog does not answer; trying again', people: 0 };
    if (error) this.ctx.alert(error);
    this.tick();
  }

  // tile returns that of a camera, in the order of their names.
  tile(id) {
    let t = this.tiles.get(id);
    if (!t) {
      t = new Tile(id, () => this.ctx.navigate(this.one ? {} : { camera: id }));
      this.tiles.set(id, t);
      const after = [...this.tiles.keys()].filter((other) => byName(other, id) > 0).sort(byName)[0];
      this.grid.insertBefore(t.element, after ? this.tiles.get(after).element : null);
      t.shapes = this.known?.get(id);
      this.observer.observe(t.element);
      this.arrange();
    }
    return t;
  }

  tick() {
    for (const t of this.tiles.values()) t.words(this.skew);
    const one = this.tiles.get(this.one);
    if (one && one.label !== this.said) this.ctx.announce(this.said = one.label);
  }

  // shapes reads the zones and lines of the cameras.
  async shapes() {
    if (document.hidden) return;
    try {
      this.known = new Map((await this.ctx.api.get('cameras')).map((c) => [c.id, c]));
      for (const [id, t] of this.tiles) {
        t.shapes = this.known.get(id);
        t.draw(this.show);
      }
    } catch (error) {
      if (error.status && error.status !== 404) this.ctx.alert(error); // without an answer, the stream says so
    }
  }

  key(e) {
    if (!this.one || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === 'Escape') this.ctx.navigate({});
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!step) return;
    const ids = [...this.tiles.keys()].sort(byName);
    this.ctx.navigate({ camera: ids[(ids.indexOf(this.one) + step + ids.length) % ids.length] }, { replace: true });
  }

  unmount() {
    clearInterval(this.ticker);
    clearInterval(this.shapesTimer);
    clearTimeout(this.asking);
    this.listeners.abort();
    this.observer.disconnect();
    this.stream.ask(null);
    for (const t of this.tiles.values()) t.close();
  }
}
