// Alerts of others: what is taken, how long it counts, and that it delays alerts of single services alone.

import { describe, expect, test } from 'vitest';
import { evidenceSchema } from '../../../src/correlate/evidence-options.ts';
import { createInbound, type Inbound } from '../../../src/correlate/inbound.ts';
import type { WebhookAlert } from '../../../src/model/inbound.ts';
import { componentFault, down, EPOCH, Simulator, targetFault } from '../../support/simulator.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OPTIONS = [
  { alertname: 'NodeRebooting', component: 'node:rack-1', effect: 'hold' },
  { alertname: 'NodeRebooting', component: 'cdn:cdn', effect: 'inform' },
  { alertname: 'DatabaseDown', component: 'database:*', effect: 'inform' },
].map((option) => evidenceSchema.parse(option));

const alert = (part: Partial<WebhookAlert> & { alertname?: string } = {}): WebhookAlert => {
  const { alertname = 'NodeRebooting', ...rest } = part;
  return { status: 'firing', labels: { alertname }, startsAt: EPOCH - MINUTE, fingerprint: 'f1', ...rest };
};

function inboundOf(saved: string | null = null): Inbound & { saved(): string | null } {
  let text = saved;
  const save = (next: string): void => {
    text = next;
  };
  return { ...createInbound(OPTIONS, { saved, save }), saved: () => text };
}

describe('an alert of others', () => {
  test('fires about each component that names it, and holds where it is told to', () => {
    const inbound = inboundOf();
    expect(inbound.accept([alert()], EPOCH)).toBe(1);
    const fires = { alertname: 'NodeRebooting', startsAt: EPOCH - MINUTE };
    expect(inbound.firing(EPOCH)).toEqual([
      { ...fires, component: 'node:rack-1', effect: 'hold', holdsUntil: EPOCH + 4 * HOUR },
      { ...fires, component: 'cdn:cdn', effect: 'inform', holdsUntil: null },
    ]);
    expect(inbound.holding(EPOCH)).toEqual(['node:rack-1']);
  });

  test.each([
    ['resolved', (inbound: Inbound) => inbound.accept([alert({ status: 'resolved' })], EPOCH + 1), EPOCH + 2],
    ['not sent again', () => undefined, EPOCH + 4.5 * HOUR],
    ['from the future, for the clock was set back', () => undefined, EPOCH - 2 * MINUTE],
  ])('that is %s is over', (_, end, now) => {
    const inbound = inboundOf();
    inbound.accept([alert()], EPOCH);
    end(inbound);
    expect(inbound.firing(now)).toEqual([]);
    expect(inbound.holding(now)).toEqual([]);
  });

  test('that is sent again goes on, and holds for four hours in all', () => {
    const inbound = inboundOf();
    for (let at = 0; at <= 24; at++) inbound.accept([alert()], EPOCH + at * HOUR);
    expect(inbound.holding(EPOCH + 4 * HOUR - 1)).toEqual(['node:rack-1']);
    expect(inbound.holding(EPOCH + 4 * HOUR)).toEqual([]);
    expect(inbound.firing(EPOCH + 24 * HOUR)).toHaveLength(2);
  });

  test('survives a restart; what was saved and makes no sense does not', () => {
    const before = inboundOf();
    before.accept([alert()], EPOCH);
    expect(inboundOf(before.saved()).firing(EPOCH + HOUR)).toEqual(before.firing(EPOCH + HOUR));
    for (const text of ['', '{', '[{}]', 'null']) expect(inboundOf(text).firing(EPOCH)).toEqual([]);
  });

  test('that nobody named is nothing, our own ones neither', () => {
    const inbound = inboundOf();
    const names = ['GatewatchSharedFault', 'Watchdog', 'noderebooting'];
    expect(
      inbound.accept(
        names.map((alertname) => alert({ alertname })),
        EPOCH,
      ),
    ).toBe(0);
    expect(inbound.accept([alert({ labels: {} })], EPOCH)).toBe(0);
    expect(inbound.saved()).toBeNull();
  });

  test('without a fingerprint is known by its labels; thousands are not kept', () => {
    const inbound = inboundOf();
    const labels = (host: string) => ({ host, alertname: 'DatabaseDown' });
    const of = (host: string) => alert({ fingerprint: null, labels: labels(host) });
    inbound.accept([of('a'), of('b'), of('a')], EPOCH);
    expect(inbound.firing(EPOCH)).toHaveLength(2);
    inbound.accept(
      Array.from({ length: 5_000 }, (_, at) => of(`h${at}`)),
      EPOCH + 1,
    );
    expect(inbound.firing(EPOCH + 1)).toHaveLength(1_000);
  });
});

describe('a hold', () => {
  const SERVICE = 'open2.example.com';
  const span = (from: number, until: number) => ({ from: from * MINUTE, until: until * MINUTE });
  const until = (minute: number, component: string) => (now: number) =>
    now < EPOCH + minute * MINUTE ? [component] : [];
  const openings = (simulator: Simulator) =>
    simulator.events
      .filter(({ type }) => type === 'opened')
      .map(({ at, incident }) => ({ minute: (at - EPOCH) / MINUTE, kind: incident.kind }));

  test.each(['target:open2.*', 'node:node2', 'origin:origin', 'host:open2.example.com'])(
    'about %s lets the alert of a service wait, until it ends',
    (component) => {
      const faults = [targetFault([SERVICE], span(5, 60))];
      const held = new Simulator({ seed: 4, faults, holding: until(30, component) }).run(45 * MINUTE);
      expect(openings(held)).toMatchObject([{ kind: 'service' }]);
      expect(openings(held)[0]?.minute).toBeGreaterThanOrEqual(30);
      expect(openings(held)[0]?.minute).toBeLessThan(31);
      const free = new Simulator({ seed: 4, faults, holding: until(30, 'node:node1') }).run(45 * MINUTE);
      expect(openings(free)[0]?.minute).toBeLessThan(10);
    },
  );

  test('delays no shared fault and no exposure', () => {
    const holding = () => ['*:*'];
    const shared = [componentFault('origin:origin', span(5, 30))];
    expect(openings(new Simulator({ seed: 4, faults: shared, holding }).run(20 * MINUTE))).toMatchObject([
      { kind: 'shared' },
    ]);
    const exposed = [targetFault(['app1.example.com'], { ...span(5, 30), show: down('exposed', 'target') })];
    expect(openings(new Simulator({ seed: 4, faults: exposed, holding }).run(20 * MINUTE))).toMatchObject([
      { kind: 'exposed' },
    ]);
  });
});
