// The page's one script, as text: it runs in the browser, and the pages work without it. It keeps the page fresh,
// says when the daemon no longer answers, and copies first checks. It writes no markup: the new page is parsed by
// XMLHttpRequest (which trusted types allow) and its live part moved in.

export const SCRIPT = `'use strict';
(() => {
  const EVERY_MS = 10000;
  const live = () => document.getElementById('live');
  let answeredAt = Date.now();

  const busy = () => {
    const selection = window.getSelection();
    const selecting = selection !== null && !selection.isCollapsed && live().contains(selection.anchorNode);
    return document.hidden || selecting;
  };

  const showFresh = () => {
    document.documentElement.classList.remove('stale');
    document.getElementById('stale').textContent = '';
  };

  const showStale = () => {
    const seconds = Math.round((Date.now() - answeredAt) / 1000);
    document.documentElement.classList.add('stale');
    document.getElementById('stale').textContent = 'No answer from gatewatch for ' + seconds + ' s. What you see is old.';
  };

  const replace = (fresh) => {
    const next = fresh.getElementById('live');
    if (next === null) return showStale();
    for (const open of live().querySelectorAll('details[open][id]')) {
      const same = next.querySelector('#' + CSS.escape(open.id));
      if (same !== null) same.open = true;
    }
    const focused = document.activeElement === null ? '' : document.activeElement.id;
    live().replaceWith(document.adoptNode(next));
    if (focused !== '') document.getElementById(focused)?.focus({ preventScroll: true });
    document.title = fresh.title;
    const icon = fresh.querySelector('link[rel=icon]');
    if (icon !== null) document.querySelector('link[rel=icon]').href = icon.href;
    showCopyButtons();
    answeredAt = Date.now();
    showFresh();
  };

  const refresh = () => {
    if (busy()) return;
    const request = new XMLHttpRequest();
    request.open('GET', location.href);
    request.responseType = 'document';
    request.timeout = EVERY_MS;
    request.onload = () => (request.status === 200 && request.response !== null ? replace(request.response) : showStale());
    request.onerror = showStale;
    request.ontimeout = showStale;
    request.send();
  };

  const showCopyButtons = () => {
    if (navigator.clipboard === undefined) return;
    for (const button of document.querySelectorAll('button.copy')) button.hidden = false;
  };

  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button.copy') : null;
    if (button === null) return;
    const text = button.parentElement.querySelector('code').textContent;
    navigator.clipboard.writeText(text).then(
      () => { button.textContent = 'Copied'; },
      () => { button.textContent = 'Select it'; },
    );
  });

  showCopyButtons();
  setInterval(refresh, EVERY_MS);
  document.addEventListener('visibilitychange', refresh);
})();
`;
