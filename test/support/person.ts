// A person in front of one of our sites who has no browser: cookies by host, one request after another, and the whole
// login by the flow executor, as reference/authentik.md 5 writes it down.

import { Secret, TOTP } from 'otpauth';
import type { User } from '../../src/demo/users.ts';

/** What a request of a person may carry. */
export interface More {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Page {
  readonly status: number | null;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly setCookie: readonly string[];
  readonly body: string;
}

/** Where a person stands: in front of a site, on one way to it. */
export interface Door {
  /** Host of the identity provider. */
  readonly login: string;
  readonly user: Pick<User, 'username' | 'password' | 'totp'>;
  /** One request to `host/pathname`; nothing is followed or kept. */
  knock(hostAndPathname: string, more: More): Promise<Page>;
}

/** What the executor answers. */
export interface Challenge {
  readonly component: string;
  readonly response_errors: Readonly<Record<string, { string: string; code: string }[]>>;
  readonly [field: string]: unknown;
}

export interface Person {
  /** Cookies by host name, `name=value`. */
  readonly jar: Map<string, Map<string, string>>;
  /** One request; the address is `host/pathname`, or a URL whose port does not matter. */
  go(address: string, more?: More): Promise<Page>;
  /** From a protected address to the login page: its address with the query. */
  reachLogin(address: string): Promise<URL>;
  /** GET without an answer, else POST, and the challenge after the redirect to itself; `statuses` of both. */
  ask(
    login: URL,
    answer?: Record<string, unknown>,
  ): Promise<Challenge & { readonly statuses: readonly number[] }>;
  /** Logs in and comes back to the address; rejects where the login does not end. */
  logIn(address: string, more?: { code?: string }): Promise<Page>;
}

/** A code of the user's device, `steps` of thirty seconds from now. */
export function codeOf({ totp }: Pick<User, 'totp'>, steps = 0): string {
  const secret = Secret.fromBase32(totp ?? '');
  return new TOTP({ secret }).generate({ timestamp: Date.now() + steps * 30_000 });
}

/** Somebody without any cookie. */
export function person(door: Door): Person {
  const { login: loginHost, user } = door;
  const jar: Person['jar'] = new Map();
  const go: Person['go'] = async (address, more = {}) => {
    const url = new URL(address.includes('://') ? address : `https://${address}`);
    const known = jar.get(url.hostname) ?? new Map<string, string>();
    const cookie = [...known].map(([name, value]) => `${name}=${value}`).join('; ');
    const seen = await door.knock(`${url.hostname}${url.pathname}${url.search}`, {
      ...more,
      headers: { ...more.headers, ...(cookie === '' ? {} : { cookie }) },
    });
    for (const line of seen.setCookie) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) known.delete(name);
      else known.set(name, value);
    }
    jar.set(url.hostname, known);
    return seen;
  };
  const follow = async (seen: Page, from: string): Promise<Page> =>
    go(new URL(String(seen.headers['location']), from).href);
  const reachLogin: Person['reachLogin'] = async (address) => {
    // Behind nginx the hand-over takes a hop of the outpost more.
    let seen = await go(address);
    for (let hops = 0; hops < 2 && !isLoginPage(seen); hops++)
      seen = await follow(seen, `https://${address}`);
    return new URL(String(seen.headers['location']), `https://${loginHost}`);
  };
  const ask: Person['ask'] = async (login, answer) => {
    const slug = login.pathname.split('/')[3];
    const address = `${loginHost}/api/v3/flows/executor/${slug}/?query=${encodeURIComponent(login.search.slice(1))}`;
    const headers = { accept: 'application/json', 'content-type': 'application/json' };
    const first =
      answer === undefined
        ? await go(address, { headers })
        : await go(address, { method: 'POST', headers, body: JSON.stringify(answer) });
    const second =
      first.status === 302 ? await go(`${loginHost}${first.headers['location']}`, { headers }) : first;
    const statuses = first === second ? [first.status!] : [first.status!, second.status!];
    return { ...(JSON.parse(second.body) as Challenge), statuses };
  };
  return {
    jar,
    go,
    reachLogin,
    ask,
    async logIn(address, more = {}) {
      const login = await reachLogin(address);
      const { username, password } = user;
      const answers: Readonly<Record<string, () => Record<string, unknown>>> = {
        'ak-stage-identification': () => ({ uid_field: username, password }),
        'ak-stage-password': () => ({ password }),
        'ak-stage-authenticator-validate': () => ({ code: more.code ?? codeOf(user) }),
      };
      let shown = await ask(login);
      for (let n = 0; n < 4 && shown.component !== 'xak-flow-redirect'; n++) {
        const { component } = shown;
        shown = await ask(login, { component, ...answers[component]?.() });
        if (shown.component === component) break;
      }
      if (shown.component !== 'xak-flow-redirect') throw new Error(`it ends with ${JSON.stringify(shown)}`);
      const back = await follow(await go(`${loginHost}${shown['to']}`), `https://${loginHost}`);
      return follow(back, `https://${address}`);
    },
  };
}

function isLoginPage(seen: Page): boolean {
  return /(^|:\/\/[^/]+)\/if\/flow\//.test(String(seen.headers['location'] ?? ''));
}
