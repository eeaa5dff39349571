import { el } from './dom.js';

// login shows the form and returns when the user is logged in.
export function login(root, api) {
  return new Promise((done) => {
    const wrong = el('p', { class: 'wrong', id: 'wrong', role: 'alert' });
    const user = el('input', { name: 'user', id: 'login-user', autocomplete: 'username', required: true, autocapitalize: 'none', spellcheck: false });
    const password = el('input', { name: 'password', id: 'login-password', type: 'password', autocomplete: 'current-password', required: true });
    const button = el('button', { type: 'submit', class: 'primary' }, 'Log in');
    const form = el('form', { class: 'panel login' },
      el('h1', {}, 'Log in'),
      el('label', { for: 'login-user' }, 'User'), user,
      el('label', { for: 'login-password' }, 'Password'), password,
      wrong, button);
    form.onsubmit = async (e) => {
      e.preventDefault();
      button.disabled = true;
      wrong.textContent = '';
      try {
        await api.post('login', { user: user.value, password: password.value });
        done();
      } catch (error) {
        wrong.textContent = error.message;
        password.select();
      } finally {
        button.disabled = false;
      }
    };
    root.replaceChildren(form);
    user.focus();
  });
}
