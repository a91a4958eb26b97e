// The corridor and its end: order of consumers, a stop in the middle, stalls, and when the correlator is asked.

import { describe, expect, test } from 'vitest';
import type { Wanted } from '../../src/correlate/outcome.ts';
import type { CheckId } from '../../src/model/check.ts';
import type { IncidentEvent } from '../../src/model/incident.ts';
import type { Observation } from '../../src/model/observation.ts';
import { createBlame, probeOnce, runSubject } from '../../src/pipeline.ts';
import { manualClock } from '../support/manual-clock.ts';
import { exchange, probeResult } from '../support/probe-result.ts';

const { subject, observation, judgement } = probeResult({ at: 0 });
const failed: Observation = {
  ...observation,
  stop: 'error',
  error: { phase: 'headers', code: 'timeout', message: 'no answer in 10 s' },
};

function stages(options: { seen?: Observation; stall?: string | null; probe?: () => void } = {}) {
  const clock = manualClock();
  const judged: Observation[] = [];
  return {
    judged,
    clock,
    clockWatch: { see: () => undefined, believes: () => true, fault: () => null },
    exhaustion: { note: () => undefined, during: () => null },
    stall: { during: () => options.stall ?? null, [Symbol.dispose]() {} },
    probe: async () => {
      options.probe?.();
      clock.advance(2_000);
      return options.seen ?? observation;
    },
    classify: (_: unknown, seen: Observation) => {
      judged.push(seen);
      return judgement;
    },
  };
}

describe('one probe', () => {
  test('is the observation and its judgement, at the time it began', async () => {
    const result = await probeOnce(subject, { extra: true }, stages(), new AbortController().signal);
    expect(result).toMatchObject({ subject, at: observation.startedAt, judgement, extra: true });
    expect(result.monotonicMs).toBe(3_000);
  });

  test('that failed while our own process stood still is our fault', async () => {
    const own = stages({ seen: failed, stall: 'the event loop was 4 s late' });
    await probeOnce(subject, { extra: false }, own, new AbortController().signal);
    expect(own.judged[0]?.error).toEqual({
      phase: 'prober',
      code: 'stalled',
      message: 'the event loop was 4 s late',
    });
  });

  test('that failed in the resolver is let pass less lateness: there is less time for it', async () => {
    const tolerated: number[] = [];
    const during = (_since: number, _until: number, toleratedMs: number) => {
      tolerated.push(toleratedMs);
      return null;
    };
    const dns = { ...failed, error: { phase: 'dns', code: 'resolver-unreachable', message: '' } } as const;
    for (const seen of [failed, dns]) {
      const own = { ...stages({ seen }), stall: { during, [Symbol.dispose]() {} } };
      await probeOnce(subject, { extra: false }, own, new AbortController().signal);
    }
    expect(tolerated).toEqual([0.2 * subject.timeoutMs, 320]);
  });

  test('that succeeded counts in spite of a stall, and one that failed without a stall is not ours', async () => {
    const late = stages({ stall: 'late' });
    await probeOnce(subject, { extra: false }, late, new AbortController().signal);
    expect(late.judged[0]).toBe(observation);
    const dead = stages({ seen: failed });
    await probeOnce(subject, { extra: false }, dead, new AbortController().signal);
    expect(dead.judged[0]).toBe(failed);
  });
});

describe('the corridor', () => {
  test('hands the result to every consumer, in their order', async () => {
    const order: string[] = [];
    const consumers = ['first', 'second', 'third'].map((name) => () => void order.push(name));
    await runSubject(subject, { extra: false }, { ...stages(), consumers }, new AbortController().signal);
    expect(order).toEqual(['first', 'second', 'third']);
  });

  test('tells nobody of a probe that a stop has cut off', async () => {
    const stop = new AbortController();
    const told: unknown[] = [];
    const cut = {
      ...stages({ probe: () => stop.abort() }),
      consumers: [(result: unknown) => void told.push(result)],
    };
    await runSubject(subject, { extra: false }, cut, stop.signal);
    expect(told).toEqual([]);
  });
});

describe('blame', () => {
  function blaming() {
    const clock = manualClock();
    const accepted: string[] = [];
    const evaluatedAt: number[] = [];
    const recorded: (readonly IncidentEvent[])[] = [];
    const wanted: (readonly Wanted[])[] = [];
    const state = {
      nextAt: null as number | null,
      events: [] as readonly IncidentEvent[],
      wants: [] as readonly Wanted[],
    };
    const correlator = {
      accept: (outcome: { check: string }) => void accepted.push(outcome.check),
      evaluate({ monotonicMs }: { monotonicMs: number }) {
        evaluatedAt.push(monotonicMs);
        state.nextAt = null;
        return { events: state.events, wanted: state.wants };
      },
      get nextAt() {
        return state.nextAt;
      },
      raise: (finding: { detail: string }) => [event(finding.detail)],
      clear: (kind: string) => [event(`clear ${kind}`)],
      replace: () => [event('replaced')],
    };
    const blame = createBlame({
      clock,
      correlator,
      record: (events) => void recorded.push(events),
      want: (some) => void wanted.push(some),
    });
    return { clock, blame, state, accepted, evaluatedAt, recorded, wanted };
  }
  const event = (text: string) =>
    ({ type: 'opened', incident: { detail: text } }) as unknown as IncidentEvent;
  const result = probeResult({ at: 0, exchanges: [exchange()] });

  test('asks nothing while the correlator is quiet', () => {
    const { clock, blame, accepted, evaluatedAt } = blaming();
    blame.accept(result);
    clock.advance(600_000);
    expect(accepted).toEqual([result.subject.id]);
    expect(evaluatedAt).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test('asks once for many results, at most once a second', () => {
    const { clock, blame, state, evaluatedAt } = blaming();
    state.nextAt = clock.monotonic();
    for (let count = 0; count < 50; count++) {
      blame.accept(result);
      clock.advance(10);
    }
    clock.advance(2_000);
    expect(evaluatedAt).toEqual([2_000]);
  });

  test('asks earlier when a result makes it urgent, and not twice', () => {
    const { clock, blame, state, evaluatedAt } = blaming();
    state.nextAt = clock.monotonic() + 60_000;
    blame.accept(result);
    state.nextAt = clock.monotonic() + 5_000;
    blame.accept(result);
    clock.advance(120_000);
    expect(evaluatedAt).toEqual([6_000]);
  });

  test('records events, and hands what is wanted to the schedule', () => {
    const { clock, blame, state, recorded, wanted } = blaming();
    const opened = event('opened');
    const probe: Wanted = { check: 'fresh:cdn:a' as CheckId, notBefore: 0, why: 'suspicion' };
    Object.assign(state, { nextAt: clock.monotonic(), events: [opened], wants: [probe] });
    blame.accept(result);
    clock.advance(1_000);
    expect(recorded).toEqual([[opened]]);
    expect(wanted).toEqual([[probe]]);
  });

  test('makes a long suspicion durable though nothing happens', () => {
    const { clock, blame, state, recorded } = blaming();
    for (let count = 0; count < 8; count++) {
      state.nextAt = clock.monotonic();
      blame.accept(result);
      clock.advance(1_000);
    }
    expect(recorded).toEqual([[]]);
  });

  test('raises and clears what is found beside the probes', () => {
    const { blame, recorded } = blaming();
    const finding = { kind: 'prober', reason: 'store', name: 'here' } as const;
    blame.find({ ...finding, detail: 'the disk is full' });
    blame.find({ ...finding, detail: null });
    expect(recorded).toEqual([[event('the disk is full')], [event('clear prober')]]);
  });

  test('asks nothing any more after a stop', () => {
    const { clock, blame, state, evaluatedAt } = blaming();
    state.nextAt = clock.monotonic();
    blame.accept(result);
    blame.stop();
    blame.accept(result);
    clock.advance(60_000);
    expect(evaluatedAt).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});
