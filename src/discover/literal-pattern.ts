// Foreign regular expressions that mean a literal text: `^/hooks/.*`, `^a\.example\.com$`. They are read character by
// character and never compiled: theirs are RE2, ours backtrack (threats D6). What is not literal is null.

/** Longest pattern that is looked at. */
const LONGEST_PATTERN = 1_024;

/** The one text that `^text$` matches, or null. */
export function literalText(pattern: string): string | null {
  const read = readLiteral(pattern);
  return read?.anchored && read.rest === '$' ? read.text : null;
}

/**
 * The pathname that an anchored pattern begins with, and whether it matches that pathname alone:
 * `^/hooks` and `^/hooks/.*` -> `/hooks` and `/hooks/`, not exact; `^/healthz$` -> `/healthz`, exact.
 * Null for patterns that are more than a literal beginning.
 */
export function literalPrefix(pattern: string): { pathname: string; exact: boolean } | null {
  const read = readLiteral(pattern);
  if (read === null || !read.anchored || !read.text.startsWith('/')) return null;
  return withRest(read.text, read.rest);
}

/** As `literalPrefix`, but for patterns that may match anywhere: one that begins with `/` matches from the start too. */
export function literalPathname(pattern: string): { pathname: string; exact: boolean } | null {
  return literalPrefix(pattern.startsWith('^') ? pattern : `^${pattern}`);
}

/** As `literalPrefix`, but for a pattern over whole URLs: `^https://a\.example\.com/hooks/.*`. */
export function literalUrlPrefix(pattern: string): { host: string; pathname: string; exact: boolean } | null {
  const read = readLiteral(pattern);
  const parts = /^https?:\/\/([^/]+)(\/.*)$/.exec(read?.text ?? '');
  if (read === null || !read.anchored || parts === null) return null;
  const [, host = '', pathname = ''] = parts;
  const path = withRest(pathname, read.rest);
  return path === null ? null : { host: host.toLowerCase(), ...path };
}

function withRest(pathname: string, rest: string): { pathname: string; exact: boolean } | null {
  if (rest === '$') return { pathname, exact: true };
  return ['', '.*', '.*$', '(.*)', '(.*)$', '(/.*)?', '(/.*)?$', '(/|$)(.*)', '(/|$)'].includes(rest)
    ? { pathname, exact: false }
    : null;
}

/** One literal character, escaped or not, that no quantifier follows. */
const LITERAL = /(?:\\([^A-Za-z0-9])|([^.*+?()[\]{}|^$\\]))(?![*+?{])/uy;

/** Leading literal text of a pattern, and what follows it; null when it is too long. */
function readLiteral(pattern: string): { anchored: boolean; text: string; rest: string } | null {
  if (pattern.length > LONGEST_PATTERN) return null;
  const anchored = pattern.startsWith('^');
  let text = '';
  let at = anchored ? 1 : 0;
  while (at < pattern.length) {
    LITERAL.lastIndex = at;
    const found = LITERAL.exec(pattern);
    if (found === null) break;
    text += found[1] ?? found[2] ?? '';
    at += found[0].length;
  }
  return { anchored, text, rest: pattern.slice(at) };
}
