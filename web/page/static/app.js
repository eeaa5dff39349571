// The shell: navigation, the view that the address names, alerts, the user.
import { api, onRefused, Problem } from './client.js';
import { el } from './dom.js';
import { login } from './login.js';
import { isZone } from './time.js';
import { views } from './views.js';

const $ = (id) => document.getElementById(id);
const root = $('view');
let session = null;
let current = null; // {name, unmount, update}
let turn = 0; // counts the calls of show: a module that comes late is not mounted

// route reads #/name?param=value. Each parameter is a text.
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const view = views.find((v) => v.name === path) || views[0];
  return { view, params: Object.fromEntries(new URLSearchParams(query)) };
}

// go changes the address: of this view, or of another. Values that are empty are left out.
function go(name, params = {}, { replace = false } = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    const text = Array.isArray(value) ? value.join(',') : value ?? '';
    if (text !== '') query.set(key, text);
  }
  const hash = `#/${name}${query.size ? `?${query}` : ''}`;
  if (hash === location.hash) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', hash);
  show();
}

async function show() {
  const mine = ++turn;
  const { view, params } = route();
  $('alerts').replaceChildren();
  if (params.tz && !isZone(params.tz)) {
    fail(`tz "${params.tz}" is no time zone, as Europe/Berlin: times are those of the browser's`);
    delete params.tz;
  }
  for (const a of $('nav').querySelectorAll('a')) {
    if (a.dataset.view === view.name) a.setAttribute('aria-current', 'page');
    else a.removeAttribute('aria-current');
  }
  if (current?.name === view.name && current.update) {
    current.update(params);
    return;
  }
  end();
  document.title = `${view.label} · sightlog`;
  try {
    const [module] = await Promise.all([import(`./${view.name}.js`), style(`static/${view.name}.css`)]);
    if (mine !== turn) return;
    root.replaceChildren();
    root.className = `view-${view.name}`;
    const mounted = await module.mount(root, params, context(view));
    current = typeof mounted === 'function' ? { name: view.name, unmount: mounted } : { name: view.name, ...mounted };
    if (mine !== turn) end();
  } catch (error) {
    if (mine === turn) fail(error);
  }
  $('nav').querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

function end() {
  current?.unmount?.();
  current = null;
}

function context(view) {
  return {
    api,
    session,
    announce,
    alert: fail,
    navigate: (params, options) => go(view.name, params, options),
    go,
  };
}

const styles = new Map();

// style loads a view's style, and waits for it.
function style(href) {
  if (!styles.has(href)) {
    styles.set(href, new Promise((done) => {
      document.head.append(el('link', { rel: 'stylesheet', href, onload: done, onerror: done }));
    }));
  }
  return styles.get(href);
}

// announce has a screen reader say a text.
function announce(text) {
  $('said').textContent = text;
}

// fail shows an error, or a text, until the user closes it or the view changes.
function fail(error) {
  if (error?.name === 'AbortError' || error?.status === 401) return;
  if (!(error instanceof Problem) && error instanceof Error) console.error(error);
  const text = typeof error === 'string' ? error : error.message;
  for (const shown of $('alerts').children) if (shown.dataset.text === text) return;
  const alert = el('div', { class: 'alert', data: { text } }, el('p', {}, text));
  alert.append(el('button', { type: 'button', class: 'quiet icon', ariaLabel: 'Close this message', onclick: () => alert.remove() }, '✕'));
  $('alerts').append(alert);
}

const themes = { auto: ['◐', 'as the system'], light: ['☀', 'light'], dark: ['☾', 'dark'] };

function theme(next) {
  if (next) {
    localStorage.setItem('theme', next);
    document.documentElement.dataset.theme = next;
  }
  const now = document.documentElement.dataset.theme;
  const [sign, words] = themes[now] || themes.auto;
  $('theme').textContent = sign;
  $('theme').ariaLabel = `Colours: ${words}; change`;
  $('theme').title = `Colours: ${words}`;
}

// ask shows the form for user and password.
let asking = false;
async function ask() {
  if (asking) return;
  asking = true;
  end();
  turn++;
  $('nav').hidden = true;
  document.title = 'Log in · sightlog';
  root.className = 'view-login';
  await login(root, api);
  asking = false;
  start();
}

async function start() {
  try {
    session = await api.session();
  } catch (error) {
    if (error.status === 401) return; // onRefused asks
    if (error.status !== 404) fail(error);
    session = { role: 'admin' };
  }
  $('nav').hidden = false;
  $('user').textContent = session.user || '';
  $('logout').hidden = !session.user;
  show();
}

$('nav').append(el('ul', {}, views.map((v) => el('li', {}, el('a', { href: `#/${v.name}`, data: { view: v.name } }, v.label)))));
$('skip').onclick = () => root.focus();
$('theme').onclick = () => {
  const names = Object.keys(themes);
  theme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
};
$('logout').onclick = () => api.post('logout').then(ask, fail);
onRefused(ask);
theme();
addEventListener('hashchange', show);
addEventListener('popstate', () => { if (!location.hash) show(); });
start();
