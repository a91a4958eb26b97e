// The plan: targets times rules give checks, and the site gives canaries (DESIGN 3). Pure; ids depend on what is
// probed alone, so that adding a target changes no other check.

import { type Account, isDenied, mayCarry } from '../model/account.ts';
import { type Check, checkId, logsIn, type Subject, type Visit } from '../model/check.ts';
import type { Gate } from '../model/gate.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Target } from '../model/target.ts';
import { plannedCanaries } from './canaries.ts';
import { type BrowserRules, type CheckRules, returnEveryMs, sessionEveryMs } from './options.ts';
import { type Around, around, type Surroundings, visitWay } from './way.ts';

/** Everything that decides what is probed. */
export interface Site extends Surroundings {
  /** URLs outside the site. */
  readonly controls: readonly string[];
  readonly canaries: 'auto' | 'none';
  readonly checks: CheckRules;
  /** Who signed-in visits sign in as. */
  readonly accounts: readonly Account[];
}

/** All checks and canaries of a site: in order of the targets, then the canaries. */
export function plan(site: Site): readonly Subject[] {
  const ready = around(site);
  const checks = site.targets.flatMap((target) => targetChecks(target, ready));
  const canaries = site.canaries === 'none' ? [] : plannedCanaries(ready);
  return [...checks, ...canaries];
}

function targetChecks(target: Target, site: Site & Around): Check[] {
  const gate = site.gates.find((candidate) => candidate.name === target.gate) ?? null;
  return target.paths.flatMap((name) => {
    const path = site.paths.find((candidate) => candidate.name === name);
    if (path === undefined) return [];
    const behindGate = gate !== null && target.expect[name]?.is === 'login';
    const strangers: readonly Visit[] = behindGate ? ['fresh', 'return'] : ['fresh'];
    const signedIn = behindGate ? signedInVisits(target, path, site) : [];
    return [
      ...strangers.map((visit) => check({ visit, account: null }, target, path, gate, site)),
      ...signedIn.map((who) => check(who, target, path, gate, site)),
    ];
  });
}

interface Who {
  readonly visit: Visit;
  readonly account: Account | null;
}

/**
 * Visits of users: where an account may go, where whoever answers is verified, and where nobody is woken by it. A
 * denied host is asked by a session alone: a login there would end in the refusal that is right.
 */
function signedInVisits(target: Target, path: NetworkPath, site: Site): Who[] {
  const { sessionAccount, loginAccount, loginTargets } = site.checks;
  if (target.wake === 'never' || path.tls.verify === 'none') return [];
  const may = site.accounts.filter(
    (account) => account.gate === target.gate && mayCarry(account, new URL(target.url)),
  );
  const gate = site.gates.find(({ name }) => name === target.gate);
  const session = may.find(({ name }) => sessionAccount === null || name === sessionAccount);
  const login = may.find(
    (account) =>
      account.credential.kind === 'password' && (loginAccount === null || account.name === loginAccount),
  );
  const visits: Who[] = session === undefined ? [] : [{ visit: 'session', account: session }];
  const chosen = loginTargets === null || loginTargets.includes(target.id);
  // Over HTTP we speak authentik's flow executor; other logins need a browser.
  const speaks = gate?.kind === 'authentik' && gate.url.startsWith('https:');
  if (login !== undefined && chosen && speaks && !isDenied(login, target.host))
    visits.push({ visit: 'login', account: login });
  const inBrowser = gate === undefined ? null : browserAccount(may, target, path, site.checks.browser);
  if (inBrowser !== null && gate?.url.startsWith('https:'))
    visits.push({ visit: 'browser', account: inBrowser });
  return visits;
}

/** Who signs in there in a browser, or null. A certificate of ours for a path cannot be given to a browser. */
function browserAccount(
  may: readonly Account[],
  target: Target,
  path: NetworkPath,
  rules: BrowserRules | null,
): Account | null {
  if (rules === null || path.tls.cert !== null) return null;
  if (rules.targets !== null && !rules.targets.includes(target.id)) return null;
  const account = may.find(
    ({ credential, name }) =>
      credential.kind === 'password' && (rules.account === null || name === rules.account),
  );
  return account === undefined || isDenied(account, target.host) ? null : account;
}

/** A login has a dozen requests and more, and may wait for the next one-time code. */
const LOGIN_TIMEOUT_MS = 60_000;
/** In a browser there is the start of it, too. */
const BROWSER_TIMEOUT_MS = 90_000;
/** A denied host is opened anew each time, which costs a session: it is asked seldom. */
const DENIED_EVERY_MS = 15 * 60_000;

function check(
  { visit, account }: Who,
  target: Target,
  path: NetworkPath,
  gate: Gate | null,
  site: Site & Around,
): Check {
  const expect = target.expect[path.name];
  if (expect === undefined) throw new Error('a target has no expectation for one of its paths');
  const costsSession =
    visit === 'fresh' && expect.is === 'login' && gate !== null && gate.sessions.store !== 'none';
  return {
    kind: 'visit',
    id: checkId(visit, path.name, target.id),
    visit,
    target,
    path,
    gate,
    account,
    expect,
    costsSession,
    everyMs: costsSession ? null : everyMs({ visit, account }, target, path, site),
    timeoutMs: timeoutMs(visit, target),
    ...(visit === 'browser' ? { flow: target.flow ?? site.checks.browser?.flow ?? '' } : {}),
    links: visitWay(visit, target, path, site),
  };
}

function timeoutMs(visit: Visit, target: Target): number {
  if (!logsIn(visit)) return target.timeoutMs;
  return Math.max(visit === 'login' ? LOGIN_TIMEOUT_MS : BROWSER_TIMEOUT_MS, target.timeoutMs);
}

/** Interval of a visit without a budget; null for logins, which logins.ts paces. */
function everyMs({ visit, account }: Who, target: Target, path: NetworkPath, site: Site): number | null {
  if (logsIn(visit)) return null;
  if (visit !== 'session') return target.everyMs ?? returnEveryMs(site.checks, path);
  const own = target.everyMs ?? sessionEveryMs(site.checks, path);
  return account !== null && isDenied(account, target.host) ? Math.max(own, DENIED_EVERY_MS) : own;
}
