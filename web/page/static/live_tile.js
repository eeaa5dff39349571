// One camera of the Live view: its picture, its state in words.
import { el, people } from './dom.js';
import { draw } from './live_draw.js';

const states = {
  opening: ['warn', 'connecting'], running: ['ok', 'live'], ended: [undefined, 'ended'], lost: ['bad', 'restarting'], off: ['bad', 'no connection'],
};
const oldAfter = 3; // seconds after which a picture's age is worth a warning

export class Tile {
  // enlarge is called when the picture is clicked.
  constructor(id, enlarge) {
    this.id = id;
    this.state = { state: 'opening' };
    this.canvas = el('canvas', { width: 320, height: 180 });
    this.note = el('span', { class: 'note' }, 'no picture yet');
    this.button = el('button', { type: 'button', class: 'picture', onclick: () => enlarge(id) }, this.canvas, this.note);
    this.count = el('span', { class: 'count' });
    this.badge = el('span', { class: 'badge' });
    this.figures = el('span', { class: 'figures muted small' });
    this.problem = el('p', { class: 'problem small', hidden: true });
    this.element = el('li', { class: 'camera panel', data: { camera: id } }, this.button,
      el('div', { class: 'caption' }, el('h2', {}, id), this.count, this.badge, this.figures), this.problem);
    this.words();
  }

  // picture shows one as soon as it is decoded, unless a newer one was by then.
  async picture(picture, jpeg, show) {
    const at = performance.now();
    let bitmap = null;
    if (!picture.hidden) {
      bitmap = await createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' })).catch(() => null);
      if (this.arrived > at) {
        bitmap?.close();
        return;
      }
    }
    this.bitmap?.close();
    Object.assign(this, { arrived: at, shown: picture, bitmap });
    this.note.textContent = picture.hidden || '';
    this.note.hidden = !picture.hidden;
    this.draw(show);
    // of the picture that is shown, for whoever looks for it
    Object.assign(this.element.dataset, { run: picture.run, seq: picture.seq });
  }

  draw(show) {
    if (this.shown) draw(this.canvas, this.bitmap, this.shown, this.shapes, show);
  }

  // words shows the state. skew is the server's clock less this one's, in ms.
  words(skew = 0) {
    const { state, fps, problem, privacy } = this.state;
    let [level, text] = states[state] || [undefined, state];
    if (state === 'running' && this.state.live === false) text = 'playing';
    const age = this.age(skew);
    let trouble = problem || '';
    if (state === 'running' && !trouble && age > oldAfter) [level, trouble] = ['warn', `the picture is ${Math.round(age)} s old`];
    if (problem && level === 'ok') level = 'warn';
    const n = this.state.people || 0;
    this.count.textContent = people(n);
    this.badge.textContent = text;
    if (level) this.badge.dataset.level = level;
    else delete this.badge.dataset.level;
    const figures = [];
    if (state === 'running') {
      figures.push(`${(fps || 0).toFixed(1)} fps`);
      if (age !== null && age <= oldAfter) figures.push(`${age.toFixed(1)} s`);
    }
    if (privacy) figures.push(`${privacy} hidden`);
    this.figures.textContent = figures.join(' · ');
    this.figures.title = 'frames a second that are detected on · age of the picture';
    this.problem.textContent = trouble;
    this.problem.hidden = !trouble;
    if (!this.shown) this.note.textContent = state === 'ended' ? 'no picture: the source has ended' : 'no picture yet';
    const label = `${this.id}: ${people(n)}, ${text}${trouble ? `, ${trouble}` : ''}`
      + (this.note.hidden ? '' : `, ${this.note.textContent}`);
    if (this.button.ariaLabel !== label) this.button.ariaLabel = label;
    this.element.classList.toggle('stale', state !== 'running');
    this.label = label;
  }

  // age of the picture in seconds, or null without one.
  age(skew) {
    if (!this.shown) return null;
    const waited = (performance.now() - this.arrived) / 1000;
    if (this.shown.recorded) return waited;
    return Math.max(waited, (Date.now() + skew - Date.parse(this.shown.captured_at)) / 1000);
  }

  close() {
    this.bitmap?.close();
    this.bitmap = null;
  }
}
