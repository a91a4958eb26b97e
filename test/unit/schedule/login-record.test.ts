// The record of logins: how many there may be, over restarts, clock steps and refusals (threats C7).

import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import type { FlowEnd, FlowFacts } from '../../../src/model/observation.ts';
import { createLoginRecord, type LoginOutcome, outcomeOf } from '../../../src/schedule/login-record.ts';
import { account } from '../../support/accounts.ts';
import { manualClock } from '../../support/manual-clock.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 3, 18);
const MONITOR = account();

function desk(over: { now?: number; saved?: string | null } = {}) {
  const clock = manualClock(over.now ?? NOW);
  const state = { saved: over.saved ?? null, resumed: 0 };
  const open = () =>
    createLoginRecord({
      clock,
      saved: state.saved,
      save: (text) => {
        state.saved = text;
      },
      resumed: () => state.resumed,
    });
  return { clock, state, open, record: open() };
}

/** Logs in as often as is allowed for so long; each attempt ends so, or is cut off by a restart. */
async function attempts(forMs: number, end: LoginOutcome | 'killed'): Promise<number> {
  const { clock, open } = desk();
  let record = open();
  let made = 0;
  for (let passed = 0; passed < forMs; passed += MINUTE / 2) {
    if (record.begin(MONITOR, 'login:cdn:a')) {
      made += 1;
      if (end === 'killed') record = open();
      else record.end(MONITOR, end);
    }
    await clock.advance(MINUTE / 2);
  }
  return made;
}

describe('an account logs in', () => {
  test.each([
    ['six times an hour while all is well', 'accepted', 6],
    ['six times an hour while nothing is sent, and never stops for it', 'untouched', 6],
    ['three times when it is refused', 'refused', 3],
    ['three times when nothing is known of the end', 'open', 3],
    ['three times when it is killed in the middle of each', 'killed', 3],
  ] as const)('%s', async (_name, end, most) => {
    expect(await attempts(60 * MINUTE, end)).toBe(most);
  });

  test('six times in any hour of a day', async () => {
    expect(await attempts(24 * 60 * MINUTE, 'accepted')).toBe(24 * 6);
  });

  test('once in five minutes, also after a restart', async () => {
    const { clock, open, record } = desk();
    expect(record.begin(MONITOR, 'a')).toBe(true);
    record.end(MONITOR, 'accepted');
    await clock.advance(4 * MINUTE);
    expect([open().begin(MONITOR, 'a'), open().waitMs(MONITOR)]).toEqual([false, MINUTE]);
    await clock.advance(MINUTE);
    expect(open().begin(MONITOR, 'a')).toBe(true);
  });

  test('not sooner because the clock was set back', () => {
    const { record, state } = desk();
    record.begin(MONITOR, 'a');
    const earlier = desk({ now: NOW - 60 * MINUTE, saved: state.saved });
    expect(earlier.record.waitMs(MONITOR)).toBe(5 * MINUTE);
  });

  test('by its own count alone', () => {
    const { record } = desk();
    record.begin(MONITOR, 'a');
    expect(record.begin(account({ name: 'other' as never }), 'a')).toBe(true);
  });
});

describe('a stopped account', () => {
  async function stopped() {
    const made = desk();
    for (const end of ['accepted', 'refused', 'untouched', 'refused', 'refused'] as const) {
      expect(made.record.isStopped(MONITOR)).toBe(false);
      expect(made.record.begin(MONITOR, 'a')).toBe(true);
      made.record.end(MONITOR, end);
      await made.clock.advance(15 * MINUTE);
    }
    expect(made.record.isStopped(MONITOR)).toBe(true);
    return made;
  }

  test('stays so, over a restart and however long', async () => {
    const { clock, open } = await stopped();
    await clock.advance(7 * 24 * 60 * MINUTE);
    const again = open();
    expect([again.isStopped(MONITOR), again.waitMs(MONITOR), again.begin(MONITOR, 'a')]).toEqual([
      true,
      null,
      false,
    ]);
  });

  test('goes on when a person says so, and only once for it', async () => {
    const { clock, state, record } = await stopped();
    state.resumed = 1;
    for (let count = 0; count < 3; count += 1) {
      expect(record.begin(MONITOR, 'a')).toBe(true);
      record.end(MONITOR, 'refused');
      await clock.advance(15 * MINUTE);
    }
    expect(record.isStopped(MONITOR)).toBe(true);
  });

  test('goes on with another password, which is nowhere in the record', async () => {
    const { state, open } = await stopped();
    const { credential } = MONITOR;
    if (credential.kind !== 'password') throw new Error('no password');
    const other = { ...MONITOR, credential: { ...credential, password: new Secret('geheim-other') } };
    expect(open().isStopped(other)).toBe(false);
    expect(state.saved).not.toContain('geheim');
  });
});

test('a damaged record is an empty one', () => {
  expect(desk({ saved: '{"monitor":' }).record.waitMs(MONITOR)).toBe(0);
});

test.each<[FlowEnd, boolean, LoginOutcome]>([
  ['rejected', true, 'refused'],
  ['denied', true, 'refused'],
  ['denied', false, 'untouched'],
  ['app', true, 'accepted'],
  ['callback-failed', true, 'accepted'],
  ['needs-human', true, 'accepted'],
  ['not-finished', true, 'open'],
  ['not-finished', false, 'untouched'],
])('a login that ends at %s, secrets sent: %s, is %s', (end, secretsSent, outcome) => {
  const flow: FlowFacts = { steps: [], end, detail: '', secretsSent, clockSkewMs: null, page: null };
  expect(outcomeOf(flow)).toBe(outcome);
});
