// Cookies at rest: a jar of tough-cookie, and the question "which of them are for this URL" answered from its index.
// The jar itself looks up the public suffix and three regular expressions each time, which at 300 targets was two
// thirds of all CPU; what may be in a domain it has decided when it took the cookie.

import {
  type Cookie,
  CookieJar,
  type CreateCookieJarOptions,
  MemoryCookieStore,
  pathMatch,
} from 'tough-cookie';

/** Public suffixes, `__Host-` and `__Secure-` hold; names without `=` are no cookies (threats K5). */
const STRICT: CreateCookieJarOptions = {
  rejectPublicSuffixes: true,
  prefixSecurity: 'strict',
  looseMode: false,
};

export class StoredCookies {
  readonly #store = new MemoryCookieStore();
  /** For putting in, and for writing out. */
  readonly jar = new CookieJar(this.#store, STRICT);

  /** All that belong to a request for the URL, expired ones too, in no order. */
  for(url: string): readonly Cookie[] {
    const parsed = new URL(url);
    if (!isPlain(parsed)) return this.jar.getCookiesSync(url, { expire: false });
    const { hostname } = parsed;
    const pathname = decoded(parsed.pathname);
    const found = [...this.#in(hostname, pathname)];
    for (let domain = parentOf(hostname); domain !== ''; domain = parentOf(domain))
      for (const cookie of this.#in(domain, pathname)) if (cookie.hostOnly !== true) found.push(cookie);
    return found;
  }

  /** All of them, expired ones too. */
  all(): readonly Cookie[] {
    return Object.values(this.#store.idx).flatMap((paths) =>
      Object.values(paths).flatMap((cookies) => Object.values(cookies)),
    );
  }

  /** Those that were set for this very domain and belong to the pathname. */
  #in(domain: string, pathname: string): readonly Cookie[] {
    const paths = this.#store.idx[domain];
    if (paths === undefined) return [];
    return Object.entries(paths).flatMap(([path, cookies]) =>
      pathMatch(pathname, path) ? Object.values(cookies) : [],
    );
  }
}

/** Everyday URLs; for IP addresses, names with a final dot and plain http (`Secure`) the jar knows the rules. */
function isPlain({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' && /[a-z-]$/.test(hostname) && !hostname.startsWith('[');
}

function parentOf(domain: string): string {
  const dot = domain.indexOf('.');
  return dot === -1 ? '' : domain.slice(dot + 1);
}

/** As tough-cookie reads it: percent signs that mean nothing stay. */
function decoded(pathname: string): string {
  if (!pathname.includes('%')) return pathname;
  try {
    return decodeURI(pathname);
  } catch {
    return pathname;
  }
}
