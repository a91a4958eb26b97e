// What leaves for receivers, for any incident there can be: JSON that the other side takes, within the sizes it takes.

import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { component } from '../../../src/model/component.ts';
import { INCIDENT_KINDS, type Incident, PROBER_REASONS } from '../../../src/model/incident.ts';
import type { SignatureId } from '../../../src/model/verdict.ts';
import { alertFromIncident } from '../../../src/notify/alert.ts';
import { payload } from '../../../src/notify/alertmanager-peer.ts';
import { createWebhook } from '../../../src/notify/webhook.ts';
import { alertContext } from '../../support/alert-context.ts';
import { expectCleanPrototypes, hostile, hostileKey, timeBox } from '../../support/fuzz.ts';
import { incident } from '../../support/incident.ts';
import { manualClock } from '../../support/manual-clock.ts';

afterEach(expectCleanPrototypes);

const instant = fc.integer({ min: 0, max: 4e12 });
const blamed = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('gate', 'gate-sessions', 'cdn', 'origin', 'idp', 'target', 'vantage', 'certificate'),
      hostileKey,
    ),
    hostile,
  )
  .map(([type, name]) => component(type.toWellFormed(), name.slice(0, 300).toWellFormed()));
const anyIncident: fc.Arbitrary<Incident> = fc
  .record({
    kind: fc.constantFrom(...INCIDENT_KINDS),
    state: fc.constantFrom('open', 'recovering', 'resolved'),
    blame: fc.option(blamed),
    firstBlame: fc.option(blamed),
    reason: fc.option(fc.constantFrom(...PROBER_REASONS)),
    signature: fc.option(fc.constantFrom('gate-no-session', 'not-in-any-table') as fc.Arbitrary<SignatureId>),
    startedAt: instant,
    resolvedAt: fc.option(instant),
    targets: fc.oneof(
      fc.array(
        hostile.map((text) => text.slice(0, 300).toWellFormed()),
        { maxLength: 5 },
      ),
      fc.constant(
        Array.from({ length: 5_000 }, (_, index) => `service-${index}.example.com/with/a/long/pathname`),
      ),
    ),
    inCommon: fc.array(hostile, { maxLength: 30 }),
    acquitted: fc.array(fc.record({ component: blamed, tested: fc.boolean(), evidence: hostile }), {
      maxLength: 40,
    }),
    ambiguous: fc.array(blamed, { maxLength: 3 }),
    supersededBy: fc.option(hostile),
    detail: fc.option(hostile),
  })
  .map((part) => incident(part as Partial<Incident>));
const configured = fc.record({
  labels: fc.dictionary(
    fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/),
    hostile.map((text) => text.slice(0, 128).toWellFormed()),
    { maxKeys: 16 },
  ),
  firstCheck: fc.option(hostile.map((text) => text.slice(0, 500))),
});

test('is JSON in well-formed text, with valid labels, and no larger than it may be', async () => {
  await fc.assert(
    fc.asyncProperty(anyIncident, configured, async (one, { labels, firstCheck }) => {
      const alerts = { labels, rules: [], startupGraceMs: 0, certificateWarnMs: 0, runbooks: null };
      const alert = alertFromIncident(one, alertContext({ alerts, firstCheck: () => firstCheck }));
      const bodies: string[] = [];
      const http = {
        send: ({ body = '' }: { body?: string }) => {
          bodies.push(body);
          return Promise.resolve({ status: 200, body: '', dateMs: null });
        },
        close: () => Promise.resolve(),
      };
      const webhook = createWebhook({ name: 'hook', url: 'http://hook/', externalUrl: '' }, {
        clock: manualClock(1),
        http,
        log: silentLog(),
      } as never);
      await webhook.deliver(
        [{ type: 'opened', key: 'k', alert }],
        null as never,
        new AbortController().signal,
      );
      bodies.push(JSON.stringify([payload(alert, { now: 2e12, skewMs: 0, lifeMs: 240_000 })]));
      expect(bodies).toHaveLength(2);
      for (const body of bodies) {
        expect(body.isWellFormed()).toBe(true);
        expect(body).not.toMatch(/\\ud[89a-f][0-9a-f]{2}/i);
        const parsed = JSON.parse(body) as { alerts?: unknown[] } | unknown[];
        const sent = (Array.isArray(parsed) ? parsed : (parsed.alerts ?? [])) as {
          labels: Record<string, string>;
          annotations: Record<string, string>;
        }[];
        expect(sent).toHaveLength(1);
        expect(Buffer.byteLength(JSON.stringify(sent[0]))).toBeLessThanOrEqual(32 * 1024);
        for (const [name, value] of Object.entries(sent[0]!.labels)) {
          expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/);
          expect(typeof value).toBe('string');
        }
        expect(sent[0]!.labels['alertname']).toMatch(/^Gatewatch[A-Za-z]+$/);
        for (const value of Object.values(sent[0]!.annotations)) {
          expect(Buffer.byteLength(value)).toBeLessThanOrEqual(8 * 1024);
          expect(value).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        }
      }
    }),
    timeBox(6_000),
  );
});
