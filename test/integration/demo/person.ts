// A person in front of the demo site who has no browser: cookies by host, one request after another, and the whole
// login by the flow executor, as reference/authentik.md 5 writes it down.

import { Secret, TOTP } from 'otpauth';
import type { Site } from '../../../src/demo/site.ts';
import { type Path, type Seen, setCookies, visit } from './visitor.ts';

/** What the executor answers. */
export interface Challenge {
  readonly component: string;
  readonly response_errors: Readonly<Record<string, { string: string; code: string }[]>>;
  readonly [field: string]: unknown;
}

export interface Person {
  /** Cookies by host name, `name=value`. */
  readonly jar: Map<string, Map<string, string>>;
  /** One request; the address is `host/pathname`, or a URL. */
  go(
    address: string,
    more?: { method?: string; headers?: Record<string, string>; body?: string },
  ): Promise<Seen>;
  /** From a protected address to the login page: its address with the query. */
  reachLogin(address: string): Promise<URL>;
  /** GET without an answer, else POST, and the challenge after the redirect to itself; `statuses` of both. */
  ask(
    login: URL,
    answer?: Record<string, unknown>,
  ): Promise<Challenge & { readonly statuses: readonly number[] }>;
  /** Where the login ends: the answers are given in turn. */
  logIn(address: string, more?: { code?: string }): Promise<Seen>;
}

export const LOGIN = 'auth.casa.test';

/** Credentials of the demo's user. */
export function credentialsOf(site: Site): { uid_field: string; password: string; totp: string } {
  const { environment } = site;
  return {
    uid_field: environment['GATEWATCH_DEMO_USERNAME']!,
    password: environment['GATEWATCH_DEMO_PASSWORD']!,
    totp: environment['GATEWATCH_DEMO_TOTP']!,
  };
}

/** A code of the user's device, `steps` of thirty seconds from now. */
export function codeOf(site: Site, steps = 0): string {
  const secret = Secret.fromBase32(credentialsOf(site).totp);
  return new TOTP({ secret }).generate({ timestamp: Date.now() + steps * 30_000 });
}

export function person(site: Site, path: Path = 'edge'): Person {
  const jar: Person['jar'] = new Map();
  const go: Person['go'] = async (address, more = {}) => {
    const url = new URL(address.includes('://') ? address : `https://${address}`);
    const known = jar.get(url.hostname) ?? new Map<string, string>();
    const cookie = [...known].map(([name, value]) => `${name}=${value}`).join('; ');
    const seen = await visit(site, path, `${url.hostname}${url.pathname}${url.search}`, {
      ...more,
      ...(cookie === '' ? {} : { cookie }),
    });
    for (const line of setCookies(seen)) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) known.delete(name);
      else known.set(name, value);
    }
    jar.set(url.hostname, known);
    return seen;
  };
  const follow = async (seen: Seen, from: string): Promise<[Seen, URL]> => {
    const url = new URL(String(seen.headers['location']), from);
    return [await go(url.href), url];
  };
  const reachLogin: Person['reachLogin'] = async (address) => {
    const [authorize] = await follow(await go(address), `https://${address}`);
    return new URL(String(authorize.headers['location']), `https://${LOGIN}`);
  };
  const ask: Person['ask'] = async (login, answer) => {
    const slug = login.pathname.split('/')[3];
    const address = `${LOGIN}/api/v3/flows/executor/${slug}/?query=${encodeURIComponent(login.search.slice(1))}`;
    const headers = { accept: 'application/json', 'content-type': 'application/json' };
    const first =
      answer === undefined
        ? await go(address, { headers })
        : await go(address, { method: 'POST', headers, body: JSON.stringify(answer) });
    const second =
      first.status === 302 ? await go(`${LOGIN}${first.headers['location']}`, { headers }) : first;
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
      const { uid_field, password } = credentialsOf(site);
      const answers: Readonly<Record<string, () => Record<string, unknown>>> = {
        'ak-stage-identification': () => ({ uid_field, password }),
        'ak-stage-password': () => ({ password }),
        'ak-stage-authenticator-validate': () => ({ code: more.code ?? codeOf(site) }),
      };
      let shown = await ask(login);
      for (let n = 0; n < 4 && shown.component !== 'xak-flow-redirect'; n++) {
        const { component } = shown;
        shown = await ask(login, { component, ...answers[component]?.() });
        if (shown.component === component) break;
      }
      if (shown.component !== 'xak-flow-redirect') throw new Error(`it ends with ${JSON.stringify(shown)}`);
      const [back] = await follow(await go(`${LOGIN}${shown['to']}`), `https://${LOGIN}`);
      return (await follow(back, `https://${address}`))[0];
    },
  };
}
