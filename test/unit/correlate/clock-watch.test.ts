// Whether our own clock is believed: by the controls, by its steps, and by dates that cannot be.

import { describe, expect, test } from 'vitest';
import { createClockWatch } from '../../../src/correlate/clock-watch.ts';
import { type Canary, canaryId } from '../../../src/model/check.ts';
import type { Exchange, Observation, TlsFacts } from '../../../src/model/observation.ts';

const T0 = Date.UTC(2026, 3, 16, 17);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TLS = { notAfter: T0 + 60 * DAY } as TlsFacts;

function control(name: string): Canary {
  return { kind: 'canary', canary: 'control', name, id: canaryId('control', null, name) } as Canary;
}

function answer(headers: Record<string, string>, part: Partial<Exchange> = {}): Observation {
  const exchange = { status: 200, tls: TLS, headers, ...part } as Exchange;
  const rest = { stop: 'answer' as const, error: null, flow: null, secrets: [] };
  return { startedAt: 0, durationMs: 0, exchanges: [exchange], ...rest };
}
const expired = {
  exchanges: [{ status: null, tls: TLS, headers: {} }],
  error: { phase: 'tls', code: 'tls-expired', message: 'x' },
} as unknown as Observation;

/** A watch with a true time, and a clock of ours that may be another. */
function scene() {
  const watch = createClockWatch();
  let monotonicMs = 1_000;
  let trueAt = T0;
  let oursMs = 0;
  const now = () => ({ at: trueAt + oursMs, monotonicMs });
  const dated = (aheadMs = 0) => new Date(trueAt + aheadMs).toUTCString();
  return {
    now,
    pass(ms: number) {
      monotonicMs += ms;
      trueAt += ms;
    },
    sleep(ms: number) {
      trueAt += ms;
    },
    step(ms: number) {
      oursMs += ms;
    },
    see: (name: string, seen: Observation) => watch.see(control(name), seen, now()),
    hear(...names: string[]) {
      for (const name of names) watch.see(control(name), answer({ date: dated() }), now());
    },
    dated,
    believes: () => watch.believes(now()),
    fault: () => watch.fault(now()),
  };
}

describe('two controls that agree', () => {
  test('confirm a clock that is right', () => {
    const at = scene();
    at.hear('a', 'b');
    expect([at.fault(), at.believes()]).toEqual([null, true]);
  });

  test.each([
    [-HOUR, /^our clock is 1 h behind that of the controls$/],
    [HOUR, /^our clock is 1 h ahead of that of the controls$/],
    [365 * DAY, /ahead of/],
    [-31_000, /behind/],
  ])('say by how much a clock is wrong: %i ms', (wrongMs, text) => {
    const at = scene();
    at.step(wrongMs);
    at.hear('a', 'b');
    expect(at.fault()).toMatch(text);
    expect(at.believes()).toBe(false);
    at.step(-wrongMs);
    at.hear('a', 'b');
    expect([at.fault(), at.believes()]).toEqual([null, true]);
  });

  test('let a small difference pass, and do not waver at the edge', () => {
    const at = scene();
    at.step(28_000);
    at.hear('a', 'b');
    expect(at.fault()).toBeNull();
    at.step(4_000);
    at.hear('a', 'b');
    expect(at.fault()).toMatch(/ahead/);
    at.step(-4_000);
    at.hear('a', 'b');
    expect(at.fault()).toMatch(/ahead/);
    at.step(-10_000);
    at.hear('a', 'b');
    expect(at.fault()).toBeNull();
  });

  test('outvote a third that is wrong', () => {
    const at = scene();
    at.see('liar', answer({ date: at.dated(HOUR) }));
    at.hear('a', 'b');
    expect(at.fault()).toBeNull();
  });

  test('of which one is silent for ten minutes are one', () => {
    const at = scene();
    at.step(HOUR);
    at.hear('a');
    at.pass(600_001);
    at.hear('b');
    expect(at.fault()).toBeNull();
  });
});

describe('nobody accuses our clock', () => {
  test.each<[string, (at: ReturnType<typeof scene>) => Observation]>([
    ['plain http', (at) => answer({ date: at.dated(HOUR) }, { tls: null })],
    ['an answer without a date', () => answer({})],
    ['a date that is none', () => answer({ date: 'yesterday' })],
    ['a year nobody lives in', () => answer({ date: 'Fri, 01 Jan 275000 00:00:00 GMT' })],
    ['a cache that keeps the date of its copy', (at) => answer({ date: at.dated(-HOUR), age: '3600' })],
    ['a cache that writes its own date', (at) => answer({ date: at.dated(), age: '7200' })],
    ['an age without bounds', (at) => answer({ date: at.dated(), age: '9'.repeat(30) })],
  ])('by %s', (_, seen) => {
    const at = scene();
    for (const name of ['a', 'b', 'c']) at.see(name, seen(at));
    expect([at.fault(), at.believes()]).toEqual([null, true]);
  });

  test('by one control alone', () => {
    const at = scene();
    at.step(DAY);
    at.hear('a');
    expect(at.fault()).toBeNull();
  });
});

test('a date before this program existed is not believed, and said so', () => {
  const at = scene();
  at.step(-T0);
  expect(at.fault()).toBe('our clock says 1970-01-01, which is long past');
  expect(at.believes()).toBe(false);
});

test('two controls whose certificates are not valid at our date mean our date', () => {
  const at = scene();
  at.see('a', expired);
  expect([at.fault(), at.believes()]).toEqual([null, true]);
  at.see('b', expired);
  expect(at.fault()).toBe(
    'at the date of our clock, 2026-04-16, the certificates of 2 controls are not valid',
  );
  expect(at.believes()).toBe(false);
});

describe('a step', () => {
  test.each([HOUR, -HOUR, 365 * DAY, -40 * DAY])(
    'of %i ms is not believed until controls confirm it',
    (by) => {
      const at = scene();
      at.hear('a', 'b');
      at.believes();
      at.pass(1_000);
      at.step(by);
      expect(at.believes()).toBe(false);
      at.step(-by);
      at.pass(1_000);
      at.hear('a', 'b');
      expect([at.fault(), at.believes()]).toEqual([null, true]);
    },
  );

  test('that nobody confirms is believed after an hour of quiet', () => {
    const at = scene();
    at.believes();
    at.step(HOUR);
    expect(at.believes()).toBe(false);
    at.pass(HOUR - 1);
    expect(at.believes()).toBe(false);
    at.pass(1);
    expect(at.believes()).toBe(true);
  });

  test('of a few seconds is nothing', () => {
    const at = scene();
    at.believes();
    at.step(10_000);
    expect([at.fault(), at.believes()]).toEqual([null, true]);
  });

  test('that is a sleep of the machine makes nobody wrong: the controls are asked again', () => {
    const at = scene();
    at.hear('a', 'b');
    at.sleep(8 * HOUR);
    expect(at.fault()).toBeNull();
    at.hear('a', 'b');
    expect([at.fault(), at.believes()]).toEqual([null, true]);
  });
});
