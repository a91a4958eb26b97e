// What is asked of a page, as text: it runs there, not here.

/** Whether nothing can be seen: no text, no field, no picture, also in open shadow roots. */
export const IS_BLANK = `(() => {
  const MEDIA = new Set(['INPUT', 'BUTTON', 'SELECT', 'TEXTAREA', 'IMG', 'SVG', 'CANVAS', 'VIDEO', 'IFRAME']);
  const isShown = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const search = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot !== null && search(element.shadowRoot)) return true;
      const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim() !== '');
      if ((hasText || MEDIA.has(element.tagName.toUpperCase())) && isShown(element)) return true;
    }
    return false;
  };
  return document.body === null || !search(document.body);
})()`;
