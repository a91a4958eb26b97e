// What a browser fetches for a page before it can show it: scripts and styles of its HTML, and what a module imports at
// its head. Pure, linear in the length of the text; foreign text is only ever searched, never run.

/** Something the page needs. */
export interface PageAsset {
  readonly url: URL;
  /** A module may import more. */
  readonly isModule: boolean;
}

/** Longest attribute list of a tag that is looked at. */
const LONGEST_TAG = 2000;
/** Elements whose content is no markup, or is not for a browser that runs scripts. */
const OPAQUE = new Set(['script', 'style', 'template', 'noscript', 'textarea', 'title']);
const SCRIPT_TYPES = new Set(['', 'module', 'text/javascript', 'application/javascript']);

/** Scripts and styles of the page's own origin, in their order, each once. */
export function assetsOf(html: string, page: URL): PageAsset[] {
  const assets = new Map<string, PageAsset>();
  let base = page;
  for (const { name, attributes } of tagsOf(html)) {
    if (name === 'base') base = URL.parse(attributes.get('href') ?? '', page.href) ?? base;
    const asset = assetOf(name, attributes, base);
    if (asset !== null && asset.url.origin === page.origin) assets.set(asset.url.href, asset);
  }
  return [...assets.values()];
}

function assetOf(name: string, attributes: ReadonlyMap<string, string>, base: URL): PageAsset | null {
  const type = (attributes.get('type') ?? '').trim().toLowerCase();
  if (name === 'script') {
    if (!SCRIPT_TYPES.has(type) || attributes.has('nomodule')) return null;
    return toAsset(attributes.get('src'), base, type === 'module');
  }
  if (name !== 'link') return null;
  const kinds = (attributes.get('rel') ?? '').toLowerCase().split(/\s+/);
  if (kinds.includes('modulepreload')) return toAsset(attributes.get('href'), base, true);
  const isStyle = kinds.includes('stylesheet') && !kinds.includes('alternate');
  return isStyle && !attributes.has('disabled') ? toAsset(attributes.get('href'), base, false) : null;
}

function toAsset(address: string | undefined, base: URL, isModule: boolean): PageAsset | null {
  if (address === undefined || address.trim() === '') return null;
  const url = URL.parse(address.trim().replaceAll('&amp;', '&'), base.href);
  return url === null ? null : { url: withoutHash(url), isModule };
}

function withoutHash(url: URL): URL {
  const bare = new URL(url);
  bare.hash = '';
  return bare;
}

/** Start tags of a page, without those in comments, scripts and what a browser with scripts does not show. */
function* tagsOf(html: string): Generator<{ name: string; attributes: ReadonlyMap<string, string> }> {
  let at = html.indexOf('<');
  while (at !== -1) {
    if (html.startsWith('<!--', at)) {
      const end = html.indexOf('-->', at + 4);
      if (end === -1) return;
      at = html.indexOf('<', end);
      continue;
    }
    const name = /^[a-z][a-z0-9-]{0,40}/i.exec(html.slice(at + 1, at + 42))?.[0].toLowerCase() ?? '';
    const { attributes, end } = readAttributes(html, at + 1 + name.length);
    if (name !== '') yield { name, attributes };
    at = html.indexOf('<', OPAQUE.has(name) ? closing(html, name, end) : end);
  }
}

/** Where the element's end tag begins, or the end of the text. */
function closing(html: string, name: string, from: number): number {
  const end = new RegExp(`</${name}[\\s/>]`, 'gi');
  end.lastIndex = from;
  return end.exec(html)?.index ?? html.length;
}

const ATTRIBUTE =
  /[\s/]{0,100}([^\s"'<>/=]{1,60})(?:\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?/y;

function readAttributes(html: string, from: number): { attributes: Map<string, string>; end: number } {
  const attributes = new Map<string, string>();
  const text = html.slice(from, from + LONGEST_TAG);
  ATTRIBUTE.lastIndex = 0;
  let end = 0;
  for (let match = ATTRIBUTE.exec(text); match !== null; match = ATTRIBUTE.exec(text)) {
    const [, name = '', ...values] = match;
    const key = name.toLowerCase();
    if (!attributes.has(key)) attributes.set(key, values.find((value) => value !== undefined) ?? '');
    end = ATTRIBUTE.lastIndex;
  }
  return { attributes, end: from + Math.max(end, 1) };
}

const SPACE = /(?:\s{1,1000}|\/\*[^*]{0,2000}\*+\/|\/\/[^\n]{0,2000}\n)/y;
const IMPORT =
  /import\s{0,20}(?:[\w$*{},\s]{1,20000}?\s{0,20}from\s{0,20})?["']([^"'\n]{1,300})["'](?:\s{0,20};)?/y;

/**
 * What a module imports in the statements at its head, where bundlers put them all; from the module's own origin.
 * Strings further on that look like imports are none.
 */
export function importsOf(script: string, module: URL): URL[] {
  const found: URL[] = [];
  let at = skipSpace(script, 0);
  for (;;) {
    IMPORT.lastIndex = at;
    const specifier = IMPORT.exec(script)?.[1];
    if (specifier === undefined) return found;
    at = skipSpace(script, IMPORT.lastIndex);
    // A bare name is for an import map, which this is not.
    const url = /^(\.{0,2}\/|https?:)/.test(specifier) ? URL.parse(specifier, module.href) : null;
    if (url !== null && url.origin === module.origin) found.push(withoutHash(url));
  }
}

function skipSpace(script: string, from: number): number {
  let at = from;
  for (;;) {
    SPACE.lastIndex = at;
    if (SPACE.exec(script) === null) return at;
    at = SPACE.lastIndex;
  }
}
