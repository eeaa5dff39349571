// The estimate of estimate.go, for the page. A test compares both.
"use strict";

const z = 1.959963984540054;

function share(k, n, size) {
  if (n === 0) return [NaN, NaN, NaN];
  const p = k / n;
  if (n >= size) return [p, p, p];
  const m = n / (1 - n / size);
  const centre = (p + z * z / (2 * m)) / (1 + z * z / m);
  const half = z / (1 + z * z / m) * Math.sqrt(p * (1 - p) / m + z * z / (4 * m * m));
  return [p, Math.min(p, Math.max(0, centre - half)), Math.max(p, Math.min(1, centre + half))];
}

function mean(counts, size) {
  const n = counts.length;
  if (n === 0) return [NaN, NaN, NaN];
  let sum = 0, squares = 0;
  for (const c of counts) { sum += c; squares += c * c; }
  const m = sum / n;
  if (n >= size) return [m, m, m];
  const dispersion = sum > 0 && n > 1 ? Math.max(1, (squares - n * m * m) / (n - 1) / m) : 1;
  const e = n / dispersion / (1 - n / size);
  const centre = m + z * z / (2 * e), half = z * Math.sqrt(m / e + z * z / (4 * e * e));
  return [m, Math.min(m, Math.max(0, centre - half)), centre + half];
}

const times = (e, n) => n === 0 ? [0, 0, 0] : e.map(v => v * n);

function add(a, b) {
  const v = a[0] + b[0];
  return [v, v - Math.hypot(a[0] - a[1], b[0] - b[1]), v + Math.hypot(a[2] - a[0], b[2] - b[0])];
}

// estimate returns the result of a direction ("in" or "out"): sizes are the numbers of units
// by kind, kinds and answers those of the items.
function estimate(direction, sizes, kinds, answers) {
  const other = direction === "in" ? "out" : "in";
  const n = { in: { right: 0, wrong: 0, reversed: 0 }, out: { right: 0, wrong: 0, reversed: 0 } };
  const missed = [];
  answers.forEach((a, i) => {
    if (!a || a.answer === "unclear") return;
    if (kinds[i] === "stretch") missed.push(a[direction] || 0);
    else n[kinds[i]][a.answer]++;
  });
  const checked = k => n[k].right + n[k].wrong + n[k].reversed;
  const precision = share(n[direction].right, checked(direction), sizes[direction]);
  const right = times(precision, sizes[direction]);
  const lost = add(times(share(n[other].reversed, checked(other), sizes[other]), sizes[other]), times(mean(missed, sizes.stretch), sizes.stretch));
  const actual = add(right, lost);
  const seen = missed.reduce((s, c) => s + c, 0);
  actual[1] = Math.max(actual[1], n[direction].right + n[other].reversed + seen);
  const counted = sizes[direction];
  return {
    counted, checked: checked(direction), correct: n[direction].right, missed: seen, actual, precision,
    accuracy: [counted / actual[0], counted / actual[2], counted / actual[1]],
    recall: [right[0] / actual[0], right[1] / (right[1] + lost[2]), right[2] / (right[2] + lost[1])],
  };
}
