// The cameras as they are now.
import { el, people } from './dom.js';

export function mount(root, params, ctx) {
  const grid = el('ul', { class: 'cameras' });
  root.append(el('div', { class: 'head' }, el('h1', {}, 'Live')), grid);
  let ended = false;
  const refresh = async () => {
    try {
      const cameras = await ctx.api.get('cameras');
      if (ended) return;
      grid.replaceChildren(...cameras.map((c) => el('li', { class: 'panel' },
        el('h2', {}, c.id), el('p', {}, people(c.people || 0)), el('p', { class: 'muted' }, c.state))));
      if (!cameras.length) grid.replaceChildren(el('li', { class: 'empty' }, 'No camera has been seen yet.'));
    } catch (error) {
      ctx.alert(error);
    }
  };
  refresh();
  const timer = setInterval(refresh, 2000);
  return () => {
    ended = true;
    clearInterval(timer);
  };
}
