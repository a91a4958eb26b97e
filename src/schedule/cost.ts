// What probing costs, computed from the plan alone: sessions at each outpost, requests on each path (DESIGN 3,
// 'Validate says what it costs'). Also the words for it, so that `validate` and the warnings at start say the same.

import { formatDuration, humanDuration } from '../base/duration.ts';
import type { Account } from '../model/account.ts';
import type { Subject } from '../model/check.ts';
import type { NetworkPath } from '../model/network-path.ts';
import { LOGIN_ASSETS_MOST } from '../model/page-asset.ts';
import { loginGroups, loginPaceMs } from './logins.ts';
import { type Outpost, outpostsOf } from './outpost.ts';
import { plan, type Site } from './plan.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A suspicion is confirmed 15 s after the first failure at the earliest (reference/correlation.md 5.8). */
const CONFIRM_MS = 15_000;
/** Share of a store over which GatewatchSessionBudget fires. */
const WORRYING_SHARE = 0.8;

/** Sessions at one outpost. */
export interface SessionCost {
  readonly outpost: string;
  readonly gates: readonly string[];
  readonly store: Outpost['store'];
  readonly targets: number;
  /** Fresh visits of one full round: target x path. */
  readonly visits: number;
  readonly wantedPerMinute: number;
  /** Null = nothing is created. */
  readonly allowedPerMinute: number | null;
  /** What is really made: the smaller of the two. */
  readonly perMinute: number;
  /** Time until a total outage is confirmed, at most, ms; null when nothing is visited. */
  readonly outageMs: number | null;
  /** Time for a round over all targets and paths, ms; null when nothing is visited. */
  readonly roundMs: number | null;
  readonly lifetimeMs: number;
  /** Sessions of this daemon in the store at steady state. */
  readonly held: number;
  readonly storeSessions: number | null;
  /** `held`, of all vantages, as a share of the store; null when its size is not known. */
  readonly share: number | null;
  /** Time in which the wanted rate would fill the store, ms; null when it never would. */
  readonly wantedFillsMs: number | null;
  /** The same for the rate that is allowed: a configured budget can be too large. */
  readonly allowedFillsMs: number | null;
}

/** Requests on one path. */
export interface RequestCost {
  readonly path: string;
  readonly kind: NetworkPath['kind'];
  readonly checks: number;
  /** At least: hops to the gate's own endpoints come on top. */
  readonly requestsPerDay: number;
  readonly ceilingPerDay: number | null;
}

/** Logins of one account. */
interface LoginCost {
  readonly account: string;
  /** Gates and paths, and targets on them. */
  readonly groups: number;
  readonly visits: number;
  /** Time between two logins, ms. */
  readonly paceMs: number;
  /** Time for every gate and path, and for every target on each, ms. */
  readonly groupsMs: number;
  readonly roundMs: number;
  /** What `checks.login.every` asks for each gate and path. */
  readonly wantedMs: number;
}

export interface Costs {
  readonly logins: readonly LoginCost[];
  readonly sessions: readonly SessionCost[];
  readonly requests: readonly RequestCost[];
}

/** Costs of a site's plan. */
export function costsOf(site: Site, subjects: readonly Subject[] = plan(site)): Costs {
  const outposts = outpostsOf(site);
  const sessions = outposts.map(sessionCost);
  const logins = site.accounts.flatMap((account) => loginCost(account, site, subjects));
  return { logins, sessions, requests: site.paths.map((path) => requestCost(path, subjects, sessions)) };
}

function sessionCost(outpost: Outpost): SessionCost {
  const { allowedPerMinute, wantedPerMinute, storeSessions, lifetimeMs } = outpost;
  const vantages = Math.max(1, ...outpost.gates.map((gate) => gate.sessions.vantages));
  const perMinute = Math.min(wantedPerMinute, allowedPerMinute ?? wantedPerMinute);
  const held = allowedPerMinute === null ? 0 : (perMinute * lifetimeMs) / MINUTE_MS;
  const fills = (rate: number): number | null =>
    storeSessions === null || rate * vantages * lifetimeMs <= storeSessions * MINUTE_MS
      ? null
      : (storeSessions / (rate * vantages)) * MINUTE_MS;
  return {
    outpost: outpost.name,
    gates: outpost.gates.map((gate) => gate.name),
    store: outpost.store,
    targets: outpost.targets.length,
    visits: outpost.visits,
    wantedPerMinute,
    allowedPerMinute,
    perMinute,
    outageMs: perMinute === 0 ? null : MINUTE_MS / perMinute + CONFIRM_MS,
    roundMs: perMinute === 0 ? null : (outpost.visits / perMinute) * MINUTE_MS,
    lifetimeMs,
    held,
    storeSessions,
    share: storeSessions === null ? null : (held * vantages) / storeSessions,
    wantedFillsMs: allowedPerMinute === null ? null : fills(wantedPerMinute),
    allowedFillsMs: allowedPerMinute === null ? null : fills(perMinute),
  };
}

function loginCost(account: Account, { checks }: Site, subjects: readonly Subject[]): LoginCost[] {
  const groups = loginGroups(account, subjects);
  const most = Math.max(0, ...groups.map((group) => group.checks.length));
  if (groups.length === 0) return [];
  const paceMs = loginPaceMs(groups.length, checks.loginEveryMs);
  return [
    {
      account: account.name,
      groups: groups.length,
      visits: groups.reduce((sum, group) => sum + group.checks.length, 0),
      paceMs,
      groupsMs: paceMs * groups.length,
      roundMs: paceMs * groups.length * most,
      wantedMs: checks.loginEveryMs,
    },
  ];
}

function requestCost(
  path: NetworkPath,
  subjects: readonly Subject[],
  sessions: readonly SessionCost[],
): RequestCost {
  const over = subjects.filter((subject) => subject.path?.name === path.name && isRequest(subject));
  const requestsPerDay = over.reduce((sum, subject) => sum + perDay(subject, sessions), 0);
  return {
    path: path.name,
    kind: path.kind,
    checks: over.length,
    requestsPerDay: Math.round(requestsPerDay),
    ceilingPerDay: path.requestsPerDay,
  };
}

/** A DNS query and a bare handshake are no requests to a CDN. */
function isRequest(subject: Subject): boolean {
  return subject.kind === 'visit' || (subject.canary !== 'dns' && subject.canary !== 'tls');
}

function perDay(subject: Subject, sessions: readonly SessionCost[]): number {
  // Logins are few: at most six an hour an account, whatever the number of checks they take turns over.
  if (subject.kind === 'visit' && subject.visit === 'login') return 0;
  if (subject.everyMs !== null) return (DAY_MS / subject.everyMs) * requestsOf(subject);
  const cost = sessions.find((one) => one.outpost === subject.gate?.outpost);
  return cost === undefined || cost.visits === 0 ? 0 : (cost.perMinute * DAY_MS) / MINUTE_MS / cost.visits;
}

/** Requests of one run: the login page comes with its brand and its files, of which there may be fewer. */
function requestsOf(subject: Subject): number {
  return subject.kind === 'canary' && subject.canary === 'login-assets' ? 2 + LOGIN_ASSETS_MOST : 1;
}

/** Lines for people: one or more for every outpost and path. */
export function costLines(costs: Costs): string[] {
  return [
    ...costs.sessions.flatMap(sessionLines),
    ...costs.logins.map(loginLine),
    ...costs.requests.map(requestLine),
  ];
}

function sessionLines(cost: SessionCost): string[] {
  const head = `outpost ${cost.outpost}: `;
  if (cost.visits === 0) return [`${head}no target expects its login`];
  if (cost.allowedPerMinute === null) {
    return [`${head}fresh visits create no session (store: none); ${rateText(cost.perMinute)} a minute`];
  }
  const lines = [
    `${head}fresh visits: ${rateText(cost.wantedPerMinute)} a minute wanted, ${rateText(cost.allowedPerMinute)} allowed (${paceText(cost.allowedPerMinute)})`,
    `${head}a full outage shows within ${orNever(cost.outageMs)}, a round over ${cost.visits} visits takes ${orNever(cost.roundMs)}`,
    `${head}about ${Math.round(cost.held)} sessions held at steady state${storeText(cost)}`,
  ];
  return lines;
}

function loginLine(cost: LoginCost): string {
  const { account, groups, visits, paceMs, groupsMs, roundMs } = cost;
  const each = `each of ${groups} gates and paths every ${humanDuration(groupsMs)}`;
  return `account ${account}: one login in ${humanDuration(paceMs)}, ${each}, a round over ${visits} logins takes ${humanDuration(roundMs)}`;
}

function storeText(cost: SessionCost): string {
  if (cost.storeSessions === null || cost.share === null) return '';
  return `, ${percent(cost.share)} of the ${cost.storeSessions} its store can hold`;
}

function requestLine(cost: RequestCost): string {
  const ceiling = cost.ceilingPerDay === null ? '' : ` of ${cost.ceilingPerDay} allowed`;
  return `path ${cost.path}: ${cost.requestsPerDay} requests a day${ceiling}, from ${cost.checks} checks`;
}

/** What is wrong with the costs, in full sentences. */
export function costWarnings(costs: Costs): string[] {
  return [
    ...costs.sessions.flatMap(sessionWarnings),
    ...costs.logins.flatMap(loginWarnings),
    ...costs.requests.flatMap(requestWarnings),
  ];
}

function sessionWarnings(cost: SessionCost): string[] {
  const { allowedPerMinute, wantedFillsMs, allowedFillsMs, storeSessions } = cost;
  if (allowedPerMinute === null || cost.visits === 0) return [];
  const warnings: string[] = [];
  if (wantedFillsMs !== null && allowedFillsMs === null) {
    warnings.push(
      `outpost ${cost.outpost}: ${rateText(cost.wantedPerMinute)} fresh visits a minute would fill the session store ` +
        `(${storeSessions} sessions, kept ${formatDuration(cost.lifetimeMs)}) in ${humanDuration(wantedFillsMs)}; ` +
        `the budget allows ${paceText(allowedPerMinute)} instead, which takes ${orNever(cost.roundMs)} for a round`,
    );
  } else if (allowedFillsMs !== null) {
    warnings.push(
      `outpost ${cost.outpost}: the configured budget of ${rateText(allowedPerMinute)} fresh visits a minute fills the ` +
        `session store (${storeSessions} sessions, kept ${formatDuration(cost.lifetimeMs)}) in ${humanDuration(allowedFillsMs)}; use budget: auto`,
    );
  } else if (cost.share !== null && cost.share > WORRYING_SHARE) {
    warnings.push(`outpost ${cost.outpost}: our sessions alone take ${percent(cost.share)} of the store`);
  }
  if (wantedFillsMs === null && cost.wantedPerMinute > allowedPerMinute * 1.001) {
    warnings.push(
      `outpost ${cost.outpost}: ${rateText(cost.wantedPerMinute)} fresh visits a minute are wanted, the budget allows ${rateText(allowedPerMinute)}`,
    );
  }
  return warnings;
}

function loginWarnings({ account, groups, groupsMs, wantedMs }: LoginCost): string[] {
  if (groupsMs <= wantedMs) return [];
  return [
    `account ${account}: logins every ${humanDuration(wantedMs)} over each of ${groups} gates and paths are wanted, ` +
      `but an account logs in six times an hour at most, so that each has its turn every ${humanDuration(groupsMs)}`,
  ];
}

function requestWarnings(cost: RequestCost): string[] {
  if (cost.ceilingPerDay === null || cost.requestsPerDay <= cost.ceilingPerDay) return [];
  const factor = cost.requestsPerDay / cost.ceilingPerDay;
  return [
    `path ${cost.path}: ${cost.requestsPerDay} requests a day are planned, ${cost.ceilingPerDay} are allowed; ` +
      `intervals will be about ${factor.toFixed(1)} times as long as configured`,
  ];
}

/** `136`, `6`, `0.16`. */
function rateText(perMinute: number): string {
  if (perMinute >= 10) return String(Math.round(perMinute));
  return String(Number(perMinute.toPrecision(2)));
}

/** `one in 6 min 9 s`, `2 a minute`. */
function paceText(perMinute: number): string {
  if (perMinute <= 0) return 'none';
  return perMinute > 1 ? `${rateText(perMinute)} a minute` : `one in ${humanDuration(MINUTE_MS / perMinute)}`;
}

function orNever(ms: number | null): string {
  return ms === null ? 'an unknown time' : humanDuration(ms);
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
