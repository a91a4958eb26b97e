// The queue of a receiver under any weather: order per incident, nobody waits for somebody else, nothing is lost, and
// in the end the receiver believes what is so, whatever the wall clock did meanwhile.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { IncidentEvent } from '../../../src/model/incident.ts';
import { alertFromIncident } from '../../../src/notify/alert.ts';
import { payload } from '../../../src/notify/alertmanager-peer.ts';
import { Lane } from '../../../src/notify/lane.ts';
import type { LaneStore, Waiting } from '../../../src/notify/waiting.ts';
import { alertContext } from '../../support/alert-context.ts';
import { incident } from '../../support/incident.ts';

const limits = { seed: 20260418, interruptAfterTimeLimit: 15_000, numRuns: 150 };
const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 3, 16, 17);

type Step =
  | { readonly do: 'event'; readonly id: number; readonly type: IncidentEvent['type'] }
  | { readonly do: 'send' }
  | { readonly do: 'answer'; readonly how: 'accepted' | 'failed' | 'rejected' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'step'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('event' as const),
    id: fc.integer({ min: 0, max: 3 }),
    type: fc.constantFrom('opened', 'updated', 'blame-changed', 'resolved', 'reopened' as const),
  }) as fc.Arbitrary<Step>,
  fc.constant({ do: 'send' as const }),
  fc.record({
    do: fc.constant('answer' as const),
    how: fc.constantFrom('accepted' as const, 'failed' as const, 'rejected' as const),
  }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 6 * HOUR }) }),
  fc.record({ do: fc.constant('step' as const), ms: fc.integer({ min: -9_000 * HOUR, max: 9_000 * HOUR }) }),
);

/** A lane, a receiver that believes what it accepted, and the truth. */
function scene(resendMs: number | null) {
  let id = 0;
  const rows = new Set<number>();
  const store: LaneStore = {
    nextId: () => ++id,
    put: (delivery) => void rows.add(delivery.id),
    remove: (delivery) => void rows.delete(delivery.id),
    accept: () => {},
    forget: () => {},
  };
  const lane = new Lane({ resendMs, fallback: false }, store, () => 0.5);
  const now = { at: T0, monotonicMs: 0 };
  const truth = new Map<string, boolean>();
  const started = new Map<string, number>();
  const told = new Map<string, { key: string; firing: boolean }[]>();
  const ids = new Map<string, number>();
  let flying: Waiting[] = [];
  return {
    lane,
    rows,
    truth,
    told,
    now,
    event(n: number, type: IncidentEvent['type']) {
      const name = `i${n}`;
      const fires = truth.get(name) ?? false;
      const opens = type === 'opened' || type === 'reopened';
      if (opens === fires) return; // only what a correlator could say
      const ends = type === 'resolved';
      if (!started.has(name)) started.set(name, now.at);
      truth.set(name, !ends);
      const part = ends ? ({ state: 'resolved', resolvedAt: now.at } as const) : {};
      const of = incident({ id: name, startedAt: started.get(name)!, targets: [`t${id}`], ...part });
      lane.take({ alert: alertFromIncident(of, alertContext()), type, at: now.at }, now);
    },
    send() {
      const due = lane.due(now).filter((one) => !flying.includes(one));
      const names = due.map((one) => one.delivery.alert.incident);
      expect(new Set(names).size).toBe(names.length);
      for (const one of due) {
        const name = one.delivery.alert.incident;
        expect(flying.some((other) => other.delivery.alert.incident === name)).toBe(false);
        one.inFlight = true;
      }
      flying.push(...due);
    },
    answer(how: 'accepted' | 'failed' | 'rejected') {
      for (const one of flying) {
        const { incident: name, endsAt } = one.delivery.alert;
        if (how !== 'accepted') {
          lane.failed(one, now, how === 'rejected');
          continue;
        }
        expect(one.delivery.id).toBeGreaterThan(ids.get(name) ?? 0);
        ids.set(name, one.delivery.id);
        told.set(name, [...(told.get(name) ?? []), { key: one.delivery.key, firing: endsAt === null }]);
        lane.accepted(one, now);
      }
      flying = [];
    },
    flying: () => flying,
  };
}

function run(at: ReturnType<typeof scene>, one: Step): void {
  if (one.do === 'event') at.event(one.id, one.type);
  else if (one.do === 'send') at.send();
  else if (one.do === 'answer') at.answer(one.how);
  else if (one.do === 'pass') {
    at.now.at += one.ms;
    at.now.monotonicMs += one.ms;
    expect(at.lane.expire(at.now)).toEqual([]);
  } else at.now.at += one.ms;
}

test.each([null, 60_000])(
  'whatever happens, a receiver (resend %s) ends up believing what is so',
  (resendMs) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const at = scene(resendMs);
        for (const one of steps) run(at, one);
        at.answer('failed');
        for (let round = 0; round < 20; round += 1) {
          at.now.monotonicMs += HOUR;
          at.send();
          at.answer('accepted');
        }
        expect([at.lane.waiting(), at.rows.size]).toEqual([[], 0]);
        for (const [name, fires] of at.truth) {
          const believed = at.told.get(name)?.at(-1)?.firing ?? false;
          expect(`${name} ${believed}`).toBe(`${name} ${fires}`);
        }
      }),
      limits,
    );
  },
);

test('an incident that is stuck holds up no other one', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, forgets) => {
      const at = scene(forgets ? 60_000 : null);
      for (const one of steps) run(at, one);
      at.answer('failed');
      at.event(8, 'opened');
      const fresh = at.lane.due(at.now).map((one) => one.delivery.alert.incident);
      expect(fresh).toContain('i8');
    }),
    limits,
  );
});

test('an alert keeps its first start in every payload of a walk of the clocks, and every payload is valid', () => {
  const jump = fc.integer({ min: -400 * 24 * HOUR, max: 400 * 24 * HOUR });
  const walk = fc.array(fc.record({ ours: jump, theirs: jump, passes: fc.integer({ min: 0, max: HOUR }) }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(walk, jump, (moves, ends) => {
      let [ours, theirs] = [T0, T0];
      const opened = alertFromIncident(incident({ startedAt: ours - HOUR }), alertContext());
      let first: string | null = null;
      for (const move of moves) {
        ours += move.ours + move.passes;
        theirs += Math.max(0, move.theirs) + move.passes; // theirs is set forward only: set back it must clamp
        const time = { now: ours, skewMs: theirs - ours, lifeMs: 240_000 };
        const startsAt = first === null ? null : Date.parse(first);
        const sent = payload(opened, { ...time, startsAt });
        first ??= sent.startsAt;
        expect(sent.startsAt).toBe(first);
        expect(Date.parse(sent.endsAt)).toBe(theirs + 240_000);
        const resolvedAt = ours + ends;
        const over = alertFromIncident(
          incident({ startedAt: opened.startsAt, resolvedAt, state: 'resolved' }),
          alertContext(),
        );
        const end = payload(over, { ...time, startsAt: Date.parse(first) });
        expect(end.startsAt).toBe(first);
        expect(Date.parse(end.endsAt)).toBeGreaterThanOrEqual(Date.parse(first));
        // Past for a receiver whose clock is five seconds behind what we think.
        expect(Date.parse(end.endsAt)).toBeLessThanOrEqual(Math.max(Date.parse(first), theirs - 5_000));
      }
    }),
    limits,
  );
});
