// el('button', {class: 'quiet', onclick: f, ariaLabel: 'Close'}, 'text', child …) makes an element. Text is text,
// never markup. A name with a dash, role, for and class are attributes; others are properties; data: {…} is dataset.
export function el(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name === 'data') Object.assign(e.dataset, value);
    else if (name === 'class') e.className = value;
    else if (name === 'for' || name === 'role' || name.includes('-')) e.setAttribute(name, value);
    else e[name] = value;
  }
  e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

// svg makes an element of a drawing; all props are attributes.
export function svg(tag, props = {}, ...children) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith('on')) e[name] = value;
    else if (value !== undefined && value !== null) e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

// people returns '1 person', '3 people'.
export const people = (n) => (n === 1 ? '1 person' : `${n} people`);

// byName orders names as people do: cam2 before cam10.
export const byName = new Intl.Collator('en', { numeric: true }).compare;
