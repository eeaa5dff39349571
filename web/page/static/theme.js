// Before the first paint: light or dark, where the user has chosen one ("auto" is the system's).
document.documentElement.dataset.theme = localStorage.getItem('theme') || 'auto';
