// The rounds of logins: each gate and path in turn, each target in turn, at the pace the account allows.

import { describe, expect, test } from 'vitest';
import type { Check } from '../../../src/model/check.ts';
import { createLoginRecord } from '../../../src/schedule/login-record.ts';
import { createLogins, loginGroups, loginPaceMs, nextLogin } from '../../../src/schedule/logins.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { plannedSite } from '../../support/planned-site.ts';

const MINUTE = 60_000;
const ACCOUNT = 'accounts: [{ name: monitor, username: probe, password: geheim }]';
const site = plannedSite({ hosts: 3, more: `control: []\n${ACCOUNT}` });
const subjects = plan(site);
const monitor = site.accounts[0]!;

test('takes every gate and path before one again, and every target in its turn', () => {
  const groups = loginGroups(monitor, subjects);
  const made: { check: string }[] = [];
  for (let count = 0; count < 6; count += 1) made.push({ check: nextLogin(groups, made)!.id });
  expect(made.map(({ check }) => check)).toEqual([
    'login:cdn:s1.example.com',
    'login:origin:s1.example.com',
    'login:cdn:s2.example.com',
    'login:origin:s2.example.com',
    'login:cdn:s3.example.com',
    'login:origin:s3.example.com',
  ]);
  expect(nextLogin(groups, made)?.id).toBe('login:cdn:s1.example.com');
  expect(nextLogin([], [])).toBeNull();
});

test.each([
  [1, 15 * MINUTE, 15 * MINUTE],
  [1, 5 * MINUTE, 12 * MINUTE],
  [2, 60 * MINUTE, 30 * MINUTE],
  [4, 15 * MINUTE, 12 * MINUTE],
])('%d gates and paths every %d ms are one login in %d ms', (groups, everyMs, paceMs) => {
  expect(loginPaceMs(groups, everyMs)).toBe(paceMs);
});

function running(over: { end?: 'accepted' | 'refused'; withSession?: boolean } = {}) {
  const clock = manualClock(Date.UTC(2026, 3, 18));
  const told: boolean[] = [];
  const runs: { at: number; check: string }[] = [];
  const state = { resumed: 0 };
  const record = createLoginRecord({ clock, saved: null, save: () => {}, resumed: () => state.resumed });
  const logins = createLogins({
    ...{
      clock,
      record,
      random: () => 0.5,
      accounts: site.accounts,
      everyMs: { login: 60 * MINUTE, browser: 60 * MINUTE },
    },
    isWithoutSession: () => over.withSession !== true,
    want(wanted) {
      for (const { check } of wanted) {
        const subject = subjects.find(({ id }) => id === check) as Check;
        if (logins.idle(subject) !== null || !logins.begin(subject)) continue;
        runs.push({ at: clock.monotonic(), check });
        record.end(monitor, over.end ?? 'accepted');
      }
    },
    told: (_account, stopped) => void told.push(stopped),
  });
  logins.replace(subjects);
  logins.start();
  return { clock, logins, runs, told, state };
}

describe('logins', () => {
  test('begin soon after the start, and go on at their pace', async () => {
    const { clock, runs } = running();
    await clock.advance(91 * MINUTE);
    expect(runs.map(({ at }) => Math.round((at - runs[0]!.at) / MINUTE))).toEqual([0, 30, 60, 90]);
  });

  test('come early for a lost session, as soon as the limits allow, and once', async () => {
    const { clock, runs, logins } = running();
    await clock.advance(MINUTE);
    for (let times = 0; times < 5; times += 1) logins.renew(monitor);
    await clock.advance(10 * MINUTE);
    expect(runs).toHaveLength(2);
    expect(runs[1]!.at - runs[0]!.at).toBeGreaterThanOrEqual(5 * MINUTE);
  });

  test('stop after three refusals, say so, and go on after a person has acted', async () => {
    const { clock, runs, told, state } = running({ end: 'refused' });
    await clock.advance(6 * 60 * MINUTE);
    expect([runs.length, told.at(-1)]).toEqual([3, true]);
    state.resumed = 1;
    await clock.advance(MINUTE);
    expect([runs.length, told.at(-1)]).toEqual([4, false]);
  });

  test('say why one does not run', async () => {
    const { clock, logins } = running({ end: 'refused' });
    const one = loginGroups(monitor, subjects)[0]!.checks[0]!;
    expect(logins.idle(one)).toBeNull();
    await clock.advance(MINUTE);
    expect(logins.idle(one)).toBe('the last login of monitor was just now');
    await clock.advance(6 * 60 * MINUTE);
    expect(logins.idle(one)).toBe('logins of monitor are stopped: gatewatch account resume monitor');
  });
});
