// A heat map as a picture, for its view and for the background of Settings.
import { colour } from './chart.js';
import { now } from './client.js';

// paint draws the cells of an answer of the API, one a pixel.
export function paint(h, canvas, log = false) {
  canvas.width = canvas.height = h.grid;
  const g = canvas.getContext('2d');
  const image = g.createImageData(h.grid, h.grid);
  for (const [x, y, n] of h.cells) {
    const v = log ? Math.log1p(n) / Math.log1p(h.most) : n / h.most;
    image.data.set([...colour(v), 110 + Math.round(120 * v)], 4 * (y * h.grid + x));
  }
  g.putImageData(image, 0, 0);
}

// background returns the heat map of a camera's last 24 hours as the address of a picture, '' if nobody was seen.
export async function background(api, camera, signal) {
  const minute = Math.ceil(now() / 6e4) * 6e4;
  const iso = (t) => new Date(t).toISOString();
  const h = await api.get('heatmap', { camera, class: 'person', since: iso(minute - 864e5), until: iso(minute), grid: 48 }, { signal });
  if (!h.n) return '';
  const canvas = document.createElement('canvas');
  paint(h, canvas, true);
  return canvas.toDataURL();
}
