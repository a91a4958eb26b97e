// The rules of one receiver's queue, told as sequences of events.

import { beforeEach, describe, expect, test } from 'vitest';
import { component } from '../../../src/model/component.ts';
import type { Incident, IncidentEvent } from '../../../src/model/incident.ts';
import { alertFromIncident } from '../../../src/notify/alert.ts';
import type { Accepted, Delivery } from '../../../src/notify/delivery.ts';
import { Lane } from '../../../src/notify/lane.ts';
import { isQuarantined, type LaneRules, type LaneStore, type Now } from '../../../src/notify/waiting.ts';
import { alertContext } from '../../support/alert-context.ts';
import { incident } from '../../support/incident.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const REMEMBERS: LaneRules = { resendMs: null, fallback: false };
const FORGETS: LaneRules = { resendMs: MINUTE, fallback: false };
const T0 = Date.UTC(2026, 3, 16, 17);

let rows: Map<number, Delivery>;
let known: Map<string, Accepted>;
let now: { at: number; monotonicMs: number };
beforeEach(() => {
  rows = new Map();
  known = new Map();
  now = { at: T0, monotonicMs: 0 };
});

function lane(rules: LaneRules): Lane {
  let id = 0;
  const store: LaneStore = {
    nextId: () => ++id,
    put: (delivery) => void rows.set(delivery.id, delivery),
    remove: (delivery) => void rows.delete(delivery.id),
    accept: (name, accepted) => void known.set(name, accepted),
    forget: (name) => void known.delete(name),
  };
  return new Lane(rules, store, () => 0.5);
}

const pass = (ms: number): Now => {
  now = { at: now.at + ms, monotonicMs: now.monotonicMs + ms };
  return now;
};
function say(to: Lane, type: IncidentEvent['type'], part: Partial<Incident> = {}): void {
  const end: Partial<Incident> = type === 'resolved' ? { state: 'resolved', resolvedAt: now.at } : {};
  to.take({ alert: alertFromIncident(incident({ ...end, ...part }), alertContext()), type, at: now.at }, now);
}
const waiting = (of: Lane): string[] => of.waiting().map((one) => one.delivery.type);
function deliver(of: Lane): string[] {
  const due = of.due(now);
  for (const one of due) of.accepted(one, now);
  return due.map((one) => one.delivery.type);
}
const grown = { targets: ['a', 'b', 'c'] };
const blamed = { blame: component('idp', 'auth.example.com'), firstBlame: component('cdn', 'cdn') };

describe('a receiver that remembers', () => {
  test('is told the opening and the end, and not the growth in between', () => {
    const hook = lane(REMEMBERS);
    say(hook, 'opened');
    expect(deliver(hook)).toEqual(['opened']);
    say(hook, 'updated', grown);
    say(hook, 'recovering', grown);
    expect(waiting(hook)).toEqual([]);
    say(hook, 'resolved');
    expect(deliver(hook)).toEqual(['resolved']);
    expect([rows.size, known.size]).toEqual([0, 0]);
  });

  test('is told a changed blame at most once in five minutes, then the newest', () => {
    const hook = lane(REMEMBERS);
    say(hook, 'opened');
    deliver(hook);
    say(hook, 'blame-changed', blamed);
    expect(deliver(hook)).toEqual(['changed']);
    pass(MINUTE);
    say(hook, 'blame-changed', grown);
    say(hook, 'blame-changed', { targets: ['newest'] });
    expect(deliver(hook)).toEqual([]);
    pass(4 * MINUTE);
    expect(hook.due(now)[0]?.delivery.alert.annotations['targets']).toBe('newest');
    expect(deliver(hook)).toEqual(['changed']);
  });

  test('is told again after four hours, with the newest text', () => {
    const hook = lane(REMEMBERS);
    say(hook, 'opened');
    deliver(hook);
    say(hook, 'updated', grown);
    hook.repeat(pass(4 * 60 * MINUTE - 1));
    expect(waiting(hook)).toEqual([]);
    hook.repeat(pass(1));
    expect(hook.due(now)[0]?.delivery.alert.annotations['targets']).toBe('a, b, c');
    expect(deliver(hook)).toEqual(['repeat']);
    hook.repeat(pass(MINUTE));
    expect(waiting(hook)).toEqual([]);
  });
});

describe('a receiver that forgets', () => {
  test('is told every change of text, and hears all that fires again and again', () => {
    const am = lane(FORGETS);
    say(am, 'opened');
    expect(am.resends(now)).toEqual([]);
    deliver(am);
    say(am, 'updated');
    expect(waiting(am)).toEqual([]);
    say(am, 'updated', grown);
    expect(deliver(am)).toEqual(['changed']);
    expect(am.resends(pass(600 * MINUTE)).map((alert) => alert.annotations['targets'])).toEqual(['a, b, c']);
  });

  test('hears the end for 15 minutes, unless it opens again', () => {
    const am = lane(FORGETS);
    say(am, 'opened');
    deliver(am);
    say(am, 'resolved');
    deliver(am);
    expect(am.resends(pass(15 * MINUTE)).map((alert) => alert.endsAt !== null)).toEqual([true]);
    say(am, 'reopened');
    expect(deliver(am)).toEqual(['opened']);
    expect(am.resends(now).map((alert) => alert.endsAt)).toEqual([null]);
    say(am, 'resolved');
    deliver(am);
    expect(am.resends(pass(15 * MINUTE + 1))).toEqual([]);
    expect([rows.size, known.size]).toEqual([0, 0]);
  });

  test('gets what waits for another try together with what is new', () => {
    const am = lane(FORGETS);
    say(am, 'opened', { id: 'i1' });
    const [first] = am.due(now);
    first!.inFlight = true;
    am.failed(first!, now, false);
    expect(am.due(now)).toEqual([]);
    say(am, 'opened', { id: 'i2' });
    expect(am.due(now).map((one) => one.delivery.alert.incident)).toEqual(['i1', 'i2']);
  });
});

describe('the queue', () => {
  test('keeps the order of one incident and lets others pass', () => {
    const hook = lane(REMEMBERS);
    say(hook, 'opened', { id: 'i1' });
    const [stuck] = hook.due(now);
    stuck!.inFlight = true;
    say(hook, 'resolved', { id: 'i1' });
    say(hook, 'opened', { id: 'i2' });
    expect(hook.due(now).map((one) => one.delivery.alert.incident)).toEqual(['i2']);
    hook.failed(stuck!, now, false);
    expect(deliver(hook)).toEqual(['opened']);
    pass(MINUTE);
    expect(deliver(hook)).toEqual(['opened']);
    expect(deliver(hook)).toEqual(['resolved']);
  });

  test('collapses changes that wait, keeps opening and end, and forgets an end that was taken back', () => {
    const am = lane(FORGETS);
    say(am, 'opened');
    say(am, 'updated', grown);
    expect(waiting(am)).toEqual(['opened']);
    expect(am.waiting()[0]?.delivery.alert.annotations['targets']).toBe('a, b, c');
    say(am, 'resolved');
    expect(waiting(am)).toEqual(['opened', 'resolved']);
    say(am, 'reopened', grown);
    expect(waiting(am)).toEqual(['opened']);
    expect(rows.size).toBe(1);
  });

  test('survives a restart with its keys', () => {
    const before = lane(REMEMBERS);
    say(before, 'opened', { id: 'i1' });
    deliver(before);
    say(before, 'resolved', { id: 'i1' });
    say(before, 'opened', { id: 'i2' });
    const keys = [...rows.values()].map((one) => one.key);
    expect(keys).toEqual([`i1-resolved-${T0}`, `i2-opened-${T0}`]);
    const after = lane(REMEMBERS);
    after.restore([...rows.values()], [...known.values()], now);
    expect(after.waiting().map((one) => one.delivery.key)).toEqual(keys);
    expect(after.firing()).toEqual(['i2']);
  });

  test('takes what is refused five times into quarantine: it is tried alone, and seldom', () => {
    const am = lane(FORGETS);
    say(am, 'opened', { id: 'bad' });
    const [refused] = am.due(now);
    const refuse = (): boolean => am.failed(refused!, now, true);
    expect([1, 2, 3, 4, 5, 6].map(refuse)).toEqual([false, false, false, false, true, false]);
    expect(isQuarantined(refused!)).toBe(true);
    pass(MINUTE);
    say(am, 'opened', { id: 'good' });
    expect(am.due(now).map((one) => one.delivery.alert.incident)).toEqual(['good']);
    pass(9 * MINUTE);
    expect(am.due(now)).toContain(refused);
    am.accepted(refused!, now);
    expect(am.resends(now).map((alert) => alert.incident)).toEqual(['bad']);
  });

  test('keeps what still fires however long the receiver is away', () => {
    const am = lane(FORGETS);
    say(am, 'opened');
    pass(8 * DAY);
    expect(am.expire(now)).toEqual([]);
    expect(deliver(am)).toEqual(['opened']);
  });

  test('tells of what was over long ago by its end alone, and gives that up after seven days', () => {
    const hook = lane(REMEMBERS);
    say(hook, 'opened');
    pass(6 * DAY);
    say(hook, 'resolved');
    pass(DAY);
    expect(hook.expire(now)).toEqual([]);
    expect(waiting(hook)).toEqual(['opened', 'resolved']);
    pass(1);
    expect(hook.expire(now)).toEqual([]);
    expect(waiting(hook)).toEqual(['resolved']);
    expect(hook.expire(pass(6 * DAY)).map(({ reason }) => reason)).toEqual(['expired']);
    expect([waiting(hook), rows.size]).toEqual([[], 0]);
  });

  test('holds 10,000 deliveries, and loses what matters least', () => {
    const am = lane(FORGETS);
    say(am, 'opened', { id: 'known' });
    deliver(am);
    say(am, 'updated', { id: 'known', ...grown });
    const [stuck] = am.due(now);
    stuck!.inFlight = true;
    say(am, 'updated', { id: 'known' });
    stuck!.inFlight = false;
    for (let n = 0; n < 4_998; n += 1) say(am, 'opened', { id: `over${n}` });
    for (let n = 0; n < 4_998; n += 1) say(am, 'resolved', { id: `over${n}` });
    for (let n = 0; n < 10; n += 1) say(am, 'opened', { id: `fires${n}` });
    expect(am.waiting()).toHaveLength(10_008);
    expect(am.expire(now)).toEqual([]);
    expect(am.waiting()).toHaveLength(10_000);
    const left = waiting(am);
    expect(left.filter((type) => type === 'changed')).toHaveLength(0);
    expect(left.filter((type) => type === 'resolved')).toHaveLength(4_998);
    const fires = am.firing().filter((id) => id.startsWith('fires'));
    expect(fires).toHaveLength(10);
    expect(rows.size).toBe(10_000);
  });
});

describe('a wall clock that jumps', () => {
  test.each([HOUR, -HOUR, YEAR, -YEAR])('by %i ms repeats, forgets and gives up nothing', (jump) => {
    const [hook, am] = [lane(REMEMBERS), lane(FORGETS)];
    for (const one of [hook, am]) {
      say(one, 'opened', { id: 'fires' });
      say(one, 'opened', { id: 'over' });
      deliver(one);
    }
    say(am, 'resolved', { id: 'over' });
    deliver(am);
    say(hook, 'resolved', { id: 'over' });
    now = { at: now.at + jump, monotonicMs: now.monotonicMs + 1_000 };
    hook.repeat(now);
    expect(waiting(hook)).toEqual(['resolved']);
    expect(hook.expire(now)).toEqual([]);
    expect(am.resends(now).map((alert) => alert.endsAt !== null)).toEqual([false, true]);
    expect(am.resends(pass(15 * MINUTE))).toHaveLength(1);
    hook.repeat(pass(4 * HOUR));
    expect(waiting(hook)).toEqual(['resolved', 'repeat']);
  });

  test('between two lives gives nothing up that the receiver has not had an hour to take', () => {
    const before = lane(REMEMBERS);
    say(before, 'opened');
    say(before, 'resolved');
    now = { at: now.at + YEAR, monotonicMs: 5 };
    const after = lane(REMEMBERS);
    after.restore([...rows.values()], [...known.values()], now);
    expect(after.expire(pass(HOUR - 1))).toEqual([]);
    expect(deliver(after)).toEqual(['opened']);
  });
});

describe('a fallback', () => {
  test('holds the opening back, and takes it back when the incident ends unheard', () => {
    const spare = lane({ ...REMEMBERS, fallback: true });
    say(spare, 'opened');
    expect(spare.due(pass(60 * MINUTE))).toEqual([]);
    say(spare, 'resolved');
    expect(waiting(spare)).toEqual([]);
    expect(rows.size).toBe(0);
  });

  test('gets the end of what it was told', () => {
    const spare = lane({ ...REMEMBERS, fallback: true });
    say(spare, 'opened');
    spare.release(spare.head('i1')!, now);
    expect(deliver(spare)).toEqual(['opened']);
    say(spare, 'resolved');
    expect(deliver(spare)).toEqual(['resolved']);
  });
});
