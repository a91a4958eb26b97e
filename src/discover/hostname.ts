// Host names and pathnames of strangers: what may become a target at all (threats D1, D3).

/** Longest name (RFC 1035) and longest pathname. */
const LONGEST_HOST = 253;
const LONGEST_PATHNAME = 1_024;

/**
 * The name in lower case, or null: letters, digits and hyphens in labels of at most 63, at least one dot, no address,
 * no wildcard, no port. Names outside ASCII must come as A-labels.
 */
export function hostnameOf(text: string): string | null {
  const host = text.toLowerCase().replace(/\.$/, '');
  if (host.length > LONGEST_HOST) return null;
  if (!/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(host)) return null;
  // Parsers of URLs take a name that ends in a number for an address.
  return URL.parse(`https://${host}/`)?.hostname === host && !/\.[0-9]+$/.test(host) ? host : null;
}

/** The pathname if it is one as parsers of URLs leave it: printable ASCII, no query, no fragment, no dots to resolve. */
export function pathnameOf(text: string): string | null {
  if (text.length > LONGEST_PATHNAME || !/^\/[\x21-\x7e]*$/.test(text) || /[?#\\]/.test(text)) return null;
  return URL.parse(`https://host.example${text}`)?.pathname === text && !text.startsWith('//') ? text : null;
}

/** Whether one of the patterns covers the host: the name itself, or `*.` and a parent of it, at any depth. */
export function isCovered(host: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern,
  );
}

/** A foreign name for people, or a stand-in where it is not one. */
export function shownHost(text: string): string {
  return hostnameOf(text) ?? '(no host name)';
}
