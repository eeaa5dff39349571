// Drawing a picture and its overlay on a canvas.

const palette = ['#40dc60', '#ffc400', '#50aaff', '#ff69b4', '#ff8028', '#aa82ff', '#00d7c8', '#f0f078'];

export const colourOf = (o) => (o.state === 'thing' ? '#b8b8b8' : palette[(o.track_id ?? 0) % palette.length]);

// draw shows a bitmap with the boxes of its objects and the shapes of its camera; show = {boxes, numbers, zones, lines}.
export function draw(canvas, bitmap, picture, shapes, show) {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const width = Math.round(Math.max(canvas.clientWidth, 160) * ratio);
  const { width: w, height: h } = picture.frame;
  const scale = Math.min(width / w, Math.round(Math.max(canvas.clientHeight, 90) * ratio) / h);
  const size = [Math.max(1, Math.round(w * scale)), Math.max(1, Math.round(h * scale))];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const c = canvas.getContext('2d');
  c.setTransform(1, 0, 0, 1, 0, 0);
  if (bitmap) c.drawImage(bitmap, 0, 0, ...size);
  else c.clearRect(0, 0, ...size);
  const pen = { c, size, ratio, font: `600 ${Math.round(12 * ratio)}px system-ui, sans-serif` };
  if (show.zones) for (const [name, points] of Object.entries(shapes?.zones || {})) zone(pen, name, points);
  if (show.lines) for (const [name, points] of Object.entries(shapes?.lines || {})) line(pen, name, points);
  for (const o of picture.objects || []) box(pen, o, size[0] / w, size[1] / h, show);
}

function path({ c, size }, points) {
  c.beginPath();
  points.forEach(([x, y], i) => c[i ? 'lineTo' : 'moveTo'](x * size[0], y * size[1]));
}

function zone(pen, name, points) {
  const { c, ratio } = pen;
  path(pen, points);
  c.closePath();
  c.fillStyle = '#50aaff26';
  c.fill();
  c.setLineDash([6 * ratio, 4 * ratio]);
  c.lineWidth = 1.5 * ratio;
  c.strokeStyle = '#8fc7ff';
  c.stroke();
  c.setLineDash([]);
  tag(pen, name, points[0][0] * pen.size[0], points[0][1] * pen.size[1], '#8fc7ff');
}

function line(pen, name, points) {
  const { c, ratio } = pen;
  path(pen, points);
  c.lineWidth = 5 * ratio;
  c.strokeStyle = '#0008';
  c.stroke();
  c.lineWidth = 2.5 * ratio;
  c.strokeStyle = '#ff5cf0';
  c.stroke();
  tag(pen, name, points[0][0] * pen.size[0], points[0][1] * pen.size[1], '#ff9df5');
}

function box(pen, o, sx, sy, show) {
  const { c, ratio } = pen;
  const [x1, y1, x2, y2] = o.box;
  const colour = colourOf(o);
  if (show.boxes) {
    c.lineWidth = 2 * ratio;
    c.strokeStyle = colour;
    if (o.state === 'thing') c.setLineDash([4 * ratio, 3 * ratio]);
    c.strokeRect(x1 * sx, y1 * sy, (x2 - x1) * sx, (y2 - y1) * sy);
    c.setLineDash([]);
  }
  if (show.numbers) {
    const text = o.state === 'thing' ? 'thing' : o.track_id === undefined ? o.label : `${o.track_id}`;
    tag(pen, text, x1 * sx - ratio, y1 * sy, colour);
  }
}

// tag writes a text on a ground of a colour, above a point where there is room, and inside the picture.
function tag({ c, size, ratio, font }, text, x, y, colour) {
  c.font = font;
  const [w, h] = [c.measureText(text).width + 8 * ratio, 17 * ratio];
  const left = Math.max(0, Math.min(x, size[0] - w));
  const top = y - h < 0 ? Math.max(0, Math.min(y, size[1] - h)) : y - h;
  c.fillStyle = colour;
  c.fillRect(left, top, w, h);
  c.fillStyle = '#10151b';
  c.textBaseline = 'middle';
  c.fillText(text, left + 4 * ratio, top + h / 2 + ratio / 2);
}
