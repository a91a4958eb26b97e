// What visits of strangers leave behind: cookies, tokens that are given back, and sessions seen.

import { beforeEach, describe, expect, test } from 'vitest';
import { type Check, checkId } from '../../../src/model/check.ts';
import type { Gate } from '../../../src/model/gate.ts';
import type { ProbeResult } from '../../../src/model/result.ts';
import type { Handover, Judgement } from '../../../src/model/verdict.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { createStrangers } from '../../../src/schedule/strangers.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { plannedSite } from '../../support/planned-site.ts';
import { probeResult } from '../../support/probe-result.ts';

const SITE = plannedSite({
  targets: ['  - https://s1.example.com', '  - { url: "https://open.example.com", expect: public }'],
});
const CHECKS = plan(SITE).filter((subject): subject is Check => subject.kind === 'visit');
const check = (id: string): Check => {
  const found = CHECKS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no ${id} in ${CHECKS.map((one) => one.id)}`);
  return found;
};
const FRESH = check('fresh:cdn:s1.example.com');
const RETURN = check('return:cdn:s1.example.com');
const PUBLIC = check('fresh:cdn:open.example.com');
const HANDOVER: Handover = { gate: FRESH.gate!.name, client: 'c', returnHost: '', authorizeUrl: '' };

let ledger: string[];
let saved: string[];
let marked: Set<string>;
let cookies: Set<string>;
let clock: ReturnType<typeof manualClock>;
let strangers: ReturnType<typeof createStrangers>;
beforeEach(() => {
  ledger = [];
  saved = [];
  marked = new Set();
  cookies = new Set();
  clock = manualClock();
  strangers = createStrangers({
    clock,
    jars: {
      has: (_: Gate, url) => cookies.has(url),
      keep: () => void ledger.push('keep'),
      drop: (_, url, shared) => ledger.push(`drop ${url}${shared ? ' and of its domain' : ''}`) > 0,
      dump: () => 'the jars',
    },
    sessions: {
      refund: (outpost) => void ledger.push(`refund ${outpost}`),
      charge: (outpost) => void ledger.push(`charge ${outpost}`),
      mark: (id) => void marked.add(id),
      unmark: (id) => void marked.delete(id),
      isMarked: (id) => marked.has(id),
    },
    save: (text) => void saved.push(text),
  });
});

function settle(subject: Check, judged: Partial<Judgement>, error = false): string[] {
  const wanted: string[] = [];
  const usual = probeResult({ at: 0 });
  const result: ProbeResult = {
    ...usual,
    subject,
    judgement: { ...usual.judgement, ...judged },
    observation: error
      ? { ...usual.observation, error: { phase: 'headers', code: 'timeout', message: '' } }
      : usual.observation,
  };
  strangers.settle(result, (id) => void wanted.push(id));
  return wanted;
}

describe('cookies', () => {
  test('only a verified hand-over of a fresh visit writes the jar', () => {
    settle(FRESH, { handover: null, sessionsSeen: 1 });
    settle(RETURN, { handover: HANDOVER });
    expect(ledger).toEqual([]);
    settle(FRESH, { handover: HANDOVER, sessionsSeen: 1 });
    expect(ledger).toEqual(['keep']);
  });

  test('jars are written once, a moment after the last of several changes, or at the end', () => {
    settle(FRESH, { handover: HANDOVER, sessionsSeen: 1 });
    settle(FRESH, { handover: HANDOVER, sessionsSeen: 1 });
    expect(saved).toEqual([]);
    clock.advance(60_000);
    expect(saved).toEqual(['the jars']);
    strangers.flush();
    expect(saved).toHaveLength(1);
    settle(FRESH, { handover: HANDOVER, sessionsSeen: 1 });
    strangers.flush();
    expect(saved).toHaveLength(2);
  });

  test('a deleted one is dropped, and the fresh visit that renews it is wanted', () => {
    expect(settle(RETURN, { verdict: 'unknown', cookieLost: true })).toEqual([
      checkId('fresh', 'cdn', 's1.example.com'),
    ]);
    expect(ledger).toEqual(['drop https://s1.example.com/ and of its domain']);
  });

  test('the cookie of a domain goes only when a second target says that it is lost', () => {
    const neighbour = { ...RETURN, target: { ...RETURN.target, id: 's2.example.com' as never } };
    settle(neighbour, { verdict: 'up' });
    settle(RETURN, { verdict: 'unknown', cookieLost: true });
    settle(RETURN, { verdict: 'unknown', cookieLost: true });
    expect(ledger).toEqual(['drop https://s1.example.com/', 'drop https://s1.example.com/']);
    settle(neighbour, { verdict: 'unknown', cookieLost: true });
    expect(ledger.at(-1)).toBe('drop https://s1.example.com/ and of its domain');
  });

  test('a return visit without a cookie is idle, everything else is not', () => {
    expect(strangers.idle(RETURN)).toBe('no cookie yet');
    expect(strangers.idle(FRESH)).toBeNull();
    cookies.add(RETURN.target.url);
    expect(strangers.idle(RETURN)).toBeNull();
  });
});

describe('tokens', () => {
  const up = { verdict: 'up' } as const;
  const cases: [what: string, judged: Partial<Judgement>, error: boolean, ledger: string[]][] = [
    [
      'a right answer that set no gate cookie gives its token back',
      { ...up, sessionsSeen: 0 },
      false,
      ['refund authentik'],
    ],
    ['a session keeps it', { ...up, sessionsSeen: 1 }, false, []],
    [
      'a fault keeps it: a full store keeps an empty file for each try',
      { verdict: 'down', sessionsSeen: 0 },
      false,
      [],
    ],
    ['an error keeps it', { ...up, sessionsSeen: 0 }, true, []],
    ['an answer that says nothing keeps it', { verdict: 'unknown', sessionsSeen: 0 }, false, []],
  ];
  test.each(cases)('%s', (_, judged, error, expected) => {
    settle(FRESH, judged, error);
    expect(ledger).toEqual(expected);
  });

  test('no return visit touches the budget', () => {
    settle(RETURN, { ...up, sessionsSeen: 0 });
    settle(RETURN, { verdict: 'down', sessionsSeen: 1 });
    expect(ledger).toEqual([]);
  });

  test('a gate whose cookies are not known keeps them all', () => {
    const gate = { ...FRESH.gate!, kind: 'oidc' } as Gate;
    settle({ ...FRESH, gate }, { ...up, sessionsSeen: 0 });
    expect(ledger).toEqual([]);
  });

  test('a public page that brings a gate cookie is charged once, then goes by the budget until it brings none', () => {
    const walledOff = PUBLIC.gate === null ? { ...PUBLIC, gate: FRESH.gate } : PUBLIC;
    settle(walledOff, { verdict: 'down', sessionsSeen: 1 });
    expect(ledger).toEqual(['charge authentik']);
    expect([...marked]).toEqual([PUBLIC.id]);
    settle(walledOff, { verdict: 'down', sessionsSeen: 1 });
    expect(ledger).toEqual(['charge authentik']);
    settle(walledOff, { ...up, sessionsSeen: 0 });
    expect(ledger).toEqual(['charge authentik', 'refund authentik']);
    expect(marked.size).toBe(0);
  });
});

test('sessions seen are counted by outpost', () => {
  expect(strangers.seen('authentik')).toBe(0);
  settle(FRESH, { sessionsSeen: 1 });
  settle(FRESH, { sessionsSeen: 2 });
  expect(strangers.seen('authentik')).toBe(3);
  expect(strangers.seen('other')).toBe(0);
});
