// The visit `login`: as a stranger from the target to the login, through authentik's flow executor, and back by the
// gate to the app (reference/authentik.md 5). Also the way a kept session at the identity provider opens a further
// host, which types nothing. Where secrets may go is decided anew at every request (DESIGN 10, Credentials; threats C3).

import type { Clock } from '../base/clock.ts';
import { type Account, mayCarry } from '../model/account.ts';
import type { Check } from '../model/check.ts';
import { type Gate, isGatePathname } from '../model/gate.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Exchange, FlowEnd, FlowStep, Observation, ProbeError } from '../model/observation.ts';
import type { Exchanger, Limit } from './exchange.ts';
import { isOwnHost } from './hops.ts';
import type { VisitJar } from './jar.ts';
import { BODY_LIMIT_BYTES } from './limits.ts';
import { type Challenge, type Move, nextMove, readChallenge } from './login-step.ts';
import { probeError } from './net-error.ts';
import type { Codes } from './one-time-code.ts';

/** Requests of one login at most: a long one (two steps, TOTP, consent, remember me) has fourteen. */
const MOST_REQUESTS = 30;
/** A clock that differs by more is named where a code is refused, ms: providers take the neighbouring time step. */
const TELLING_SKEW_MS = 30_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface SignInTools {
  readonly clock: Clock;
  readonly exchanger: Exchanger;
  readonly userAgent: string;
  readonly codes: Codes;
  readonly paths: readonly NetworkPath[];
}

/** Who signs in, and how. */
export interface SignIn {
  readonly check: Check;
  readonly account: Account;
  readonly gate: Gate;
  readonly jar: VisitJar;
  readonly limit: Limit;
  /** False: a step that would type anything ends the walk. */
  readonly types: boolean;
}

type Sighting = Pick<Observation, 'exchanges' | 'stop' | 'error' | 'flow' | 'secrets'>;

/** Where a walk ended; `error` of the last exchange, or null. */
interface Ended {
  readonly end: FlowEnd;
  readonly detail: string;
  readonly error?: ProbeError | null;
}

/** Walks from the target to the app. Never rejects but for bugs. */
export async function signIn(who: SignIn, tools: SignInTools): Promise<Sighting> {
  const walk = new Walk(who, tools);
  const { end, detail, error = null } = await walk.run();
  return {
    exchanges: walk.exchanges,
    stop: error === null ? 'answer' : 'error',
    error,
    flow: {
      steps: walk.steps,
      end,
      detail,
      secretsSent: walk.secretsSent,
      clockSkewMs: walk.clockSkewMs,
      page: null,
    },
    secrets: walk.secrets,
  };
}

/** The path to the identity provider: the check's own where the gate is reached by it, else the gate's first. */
export function providerPath(check: Check, gate: Gate, paths: readonly NetworkPath[]): NetworkPath | null {
  if (gate.paths.includes(check.path.name)) return check.path;
  return paths.find(({ name }) => gate.paths.includes(name)) ?? null;
}

class Walk {
  readonly exchanges: Exchange[] = [];
  readonly steps: FlowStep[] = [];
  readonly secrets: string[] = [];
  secretsSent = false;
  clockSkewMs: number | null = null;
  readonly #who: SignIn;
  readonly #tools: SignInTools;
  readonly #provider: URL;
  readonly #providerPath: NetworkPath | null;
  #stepMs: number;
  /** The gate has taken the result of a login. */
  #returned = false;

  constructor(who: SignIn, tools: SignInTools) {
    this.#who = who;
    this.#tools = tools;
    this.#provider = new URL(who.gate.url);
    this.#providerPath = providerPath(who.check, who.gate, tools.paths);
    this.#stepMs = tools.clock.monotonic();
  }

  async run(): Promise<Ended> {
    let url = new URL(this.#who.check.target.url);
    for (;;) {
      const place = this.#placeOf(url);
      if (place === 'foreign') return this.#fail('redirect', 'the way to the login leads to a foreign host');
      const answer = await this.#ask(url);
      if ('end' in answer) return answer;
      // The gate's own endpoints may be on the provider's host, where it is domain-wide.
      const atGate = isGatePathname(this.#who.gate.kind, url.pathname);
      const after =
        place === 'provider' && !atGate ? await this.#atProvider(answer) : this.#atApp(answer, url);
      if ('end' in after) return after;
      url = after.next;
    }
  }

  /** At the app's host: its own answer, the gate's, or the redirect of either. */
  #atApp(answer: Exchange, url: URL): Ended | { readonly next: URL } {
    const { gate, check } = this.#who;
    const atGate = isGatePathname(gate.kind, url.pathname);
    const callback = atGate && /\/callback\/?$/.test(url.pathname);
    const next = redirectOf(answer);
    if (callback && next === null)
      return this.#fail(
        'callback',
        `the gate answers ${answer.status} to the result of the login`,
        'callback-failed',
      );
    if (callback) {
      this.#returned = true;
      this.#done('callback');
    }
    const toLogin =
      next !== null && (this.#placeOf(next) === 'provider' || isGatePathname(gate.kind, next.pathname));
    if (this.#returned && !callback && !atGate) {
      if (toLogin)
        return this.#fail('app', 'the gate asks for the login again, right after it', 'callback-failed');
      this.#done('app');
      return { end: 'app', detail: `signed in, the app answers ${answer.status}` };
    }
    if (next === null) return this.#fail('hand-over', `status ${answer.status} on the way to the login`);
    if (this.#placeOf(next) === 'provider') this.#done('hand-over');
    else if (!toLogin && !isOwnHost(next, check.target) && !callback)
      return this.#fail('hand-over', 'the way to the login leads elsewhere');
    return { next };
  }

  /** At the identity provider: a redirect on, the start of a flow, or a page that is an end. */
  async #atProvider(answer: Exchange): Promise<Ended | { readonly next: URL }> {
    const next = redirectOf(answer);
    if (next !== null) {
      const flow = this.#placeOf(next) === 'provider' ? flowOf(next) : null;
      return flow === null ? { next } : this.#flow(flow);
    }
    if (answer.status === 200 && new URL(answer.url).pathname.endsWith('/application/o/authorize/'))
      return this.#fail('authorize', 'the identity provider denies access to the application', 'denied');
    return this.#fail('authorize', `the identity provider answers ${answer.status} to the login request`);
  }

  /** Through one flow of the executor, to where it leads. */
  async #flow(executor: URL): Promise<Ended | { readonly next: URL }> {
    let answer = await this.#ask(executor);
    for (;;) {
      if ('end' in answer) return answer;
      this.#measureSkew(answer);
      const next = redirectOf(answer);
      if (next !== null) {
        // What is valid and not the end is answered with a redirect to the same place.
        if (next.origin !== executor.origin || next.pathname !== executor.pathname)
          return this.#fail('flow', 'the login flow leads elsewhere', 'flow-error');
        answer = await this.#ask(next);
        continue;
      }
      const move = this.#moveAfter(answer);
      if ('end' in move) return move;
      if (move.kind === 'redirect') return this.#leave(move.to, executor);
      answer = await this.#answer(executor, move);
    }
  }

  /** What the answer of the executor asks for, or how it ends the walk. */
  #moveAfter(answer: Exchange): Exclude<Move, { kind: 'end' }> | Ended {
    const challenge = answer.status === 200 ? readChallenge(answer.body) : null;
    if (challenge === null) return this.#noChallenge(answer);
    const move = this.#moveFor(challenge);
    return move.kind === 'end' ? this.#fail('flow', this.#withSkew(move), move.end) : move;
  }

  #moveFor(challenge: Challenge): Move {
    const { credential } = this.#who.account;
    if (credential.kind !== 'password')
      return { kind: 'end', end: 'not-finished', detail: 'the account has no password' };
    const move = nextMove(challenge, { username: credential.username, hasTotp: credential.totp !== null });
    const typing = move.kind === 'answer' && move.step !== 'consent' && move.step !== 'remember me';
    if (typing && !this.#who.types)
      return { kind: 'end', end: 'not-finished', detail: 'the identity provider asks to log in again' };
    return move;
  }

  async #answer(executor: URL, move: Extract<Move, { kind: 'answer' }>): Promise<Exchange | Ended> {
    const fields: Record<string, string | boolean> = { ...move.fields };
    const { credential } = this.#who.account;
    if (move.typed === 'code') {
      const code = await this.#tools.codes.next(this.#who.account, this.#who.limit.signal);
      if (code === null)
        return { ...this.#fail(move.step, 'no one-time code could be made in time'), error: NO_CODE };
      this.secrets.push(code);
      fields['code'] = code;
    }
    if (move.typed === 'password' && credential.kind === 'password')
      fields['password'] = credential.password.reveal();
    if (move.typed !== null) this.secretsSent = true;
    const answer = await this.#ask(executor, JSON.stringify(fields));
    const refused = 'end' in answer || (answer.status === 200 && hasErrors(answer.body));
    if (!refused) this.#done(move.step);
    return answer;
  }

  #leave(to: string, executor: URL): Ended | { readonly next: URL } {
    const next = URL.parse(to, executor.href);
    if (next === null || this.#placeOf(next) === 'foreign')
      return this.#fail('flow', 'the login flow leads to a foreign host', 'flow-error');
    return { next };
  }

  #noChallenge(answer: Exchange): Ended {
    const status = answer.status ?? 0;
    // 5xx of Django itself; what a proxy in front of it says is no word of the flow.
    const own = answer.headers['x-authentik-id'] !== undefined && status >= 500;
    return this.#fail(
      'flow',
      `the identity provider answers ${status} in the middle of the login`,
      own ? 'flow-error' : 'not-finished',
    );
  }

  /** One request, with what may go to that place. */
  async #ask(url: URL, post?: string): Promise<Exchange | Ended> {
    const { check, gate, jar, limit } = this.#who;
    const provider = this.#placeOf(url) === 'provider';
    const path = provider ? this.#providerPath : check.path;
    if (path === null || path.tls.verify === 'none')
      return this.#fail('request', 'no path that verifies certificates leads to the identity provider');
    if (this.exchanges.length >= MOST_REQUESTS)
      return this.#fail('request', `no end after ${MOST_REQUESTS} requests`, 'callback-failed');
    const cookie = jar.header(url.href);
    if (cookie.trimmed) return { ...this.#fail('request', 'more cookies than we may send'), error: TOO_MANY };
    const headers = {
      'user-agent': this.#tools.userAgent,
      accept: url.pathname.includes('/api/v3/') ? 'application/json' : 'text/html',
      'accept-encoding': 'gzip, br',
      ...(!provider && isOwnHost(url, check.target) ? check.target.headers : {}),
      ...(cookie.value === null ? {} : { cookie: cookie.value }),
      ...(post === undefined ? {} : postHeaders(url, gate, cookie.value)),
    };
    const ask = { url, headers, bodyLimitBytes: BODY_LIMIT_BYTES, ...(post === undefined ? {} : { post }) };
    const exchange = await this.#tools.exchanger.get(ask, path, limit);
    this.exchanges.push(exchange);
    this.#noteSecrets(url);
    if (exchange.error !== null)
      return { ...this.#fail('request', 'no complete answer'), error: exchange.error };
    jar.take(exchange);
    return exchange;
  }

  /** Where a URL is: secrets go to the provider's origin, sessions to the hosts of the account, nothing elsewhere. */
  #placeOf(url: URL): 'provider' | 'app' | 'foreign' {
    if (url.origin === this.#provider.origin && url.protocol === 'https:') return 'provider';
    return mayCarry(this.#who.account, url) ? 'app' : 'foreign';
  }

  #noteSecrets(url: URL): void {
    for (const name of ['code', 'state']) {
      const value = url.searchParams.get(name);
      if (value !== null) this.secrets.push(value);
    }
  }

  /** Our clock less the provider's, by the first `Date` of the executor, which has whole seconds. */
  #measureSkew({ headers }: Exchange): void {
    const theirs = Date.parse(headers['date'] ?? '');
    if (this.clockSkewMs === null && Number.isFinite(theirs))
      this.clockSkewMs = Math.round(this.#tools.clock.now() - theirs - 500);
  }

  #withSkew({ end, detail }: Extract<Move, { kind: 'end' }>): string {
    const skewMs = this.clockSkewMs ?? 0;
    if (end !== 'rejected' || Math.abs(skewMs) < TELLING_SKEW_MS) return detail;
    const side = skewMs > 0 ? 'ahead of' : 'behind';
    return `${detail}; our clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${side} the provider's`;
  }

  #done(name: string): void {
    this.#step(name, null);
  }

  #fail(name: string, detail: string, end: FlowEnd = 'not-finished'): Ended {
    this.#step(name, detail);
    return { end, detail };
  }

  #step(name: string, failed: string | null): void {
    const now = this.#tools.clock.monotonic();
    this.steps.push({ name, durationMs: now - this.#stepMs, failed });
    this.#stepMs = now;
  }
}

const NO_CODE = probeError('prober', 'internal', 'no one-time code could be made in time');
const TOO_MANY = probeError('prober', 'internal', 'more cookies than we may send');

/** Where an answer redirects to; null for any other answer, for nowhere, and for a step down to plain http. */
function redirectOf({ status, headers, url }: Exchange): URL | null {
  const location = headers['location'];
  if (status === null || !REDIRECTS.has(status) || location === undefined) return null;
  const next = URL.parse(location, url);
  if (next === null || next.protocol !== 'https:') return null;
  next.hash = '';
  return next;
}

/** The executor of the flow whose page a URL is; null for other pages. */
function flowOf(page: URL): URL | null {
  const [, prefix, slug] = /^(.*)\/if\/flow\/([^/]+)\/$/.exec(page.pathname) ?? [];
  if (prefix === undefined || slug === undefined) return null;
  const executor = new URL(`${prefix}/api/v3/flows/executor/${slug}/`, page.origin);
  executor.searchParams.set('query', page.search.slice(1));
  return executor;
}

function hasErrors(body: string): boolean {
  return Object.keys(readChallenge(body)?.response_errors ?? {}).length > 0;
}

/** Once somebody is signed in, authentik wants the token of its cookie, and a request from its own page. */
function postHeaders(url: URL, gate: Gate, cookies: string | null): Record<string, string> {
  const token = /(?:^|; )authentik_csrf=([^;]+)/.exec(cookies ?? '')?.[1];
  return {
    'content-type': 'application/json',
    origin: url.origin,
    referer: `${gate.url}/`,
    ...(token === undefined ? {} : { 'x-authentik-csrf': token }),
  };
}
