// What must hold for every alert: its identity does not depend on order, its times are always valid for Alertmanager.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alertFromIncident } from '../../../src/notify/alert.ts';
import { payload } from '../../../src/notify/alertmanager-peer.ts';
import { cutBytes } from '../../../src/notify/annotations.ts';
import { fingerprint } from '../../../src/notify/fingerprint.ts';
import { alertContext } from '../../support/alert-context.ts';
import { incident } from '../../support/incident.ts';

const limits = { seed: 20260418, interruptAfterTimeLimit: 10_000, numRuns: 500 };
const label = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);

test('the fingerprint does not depend on the order of the labels, and different sets differ', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(label, fc.string({ unit: 'grapheme' })), { selector: ([name]) => name }),
      (pairs) => {
        const one = fingerprint(Object.fromEntries(pairs));
        expect(fingerprint(Object.fromEntries([...pairs].reverse()))).toBe(one);
        expect(one).toMatch(/^[0-9a-f]{16}$/);
        expect(fingerprint({ ...Object.fromEntries(pairs), zz_other: 'x' })).not.toBe(one);
      },
    ),
    limits,
  );
});

test('whatever clocks do, nothing begins after it ends, nothing resolved ends in the future, firing lives on', () => {
  const instant = fc.integer({ min: 0, max: 4e12 });
  const walk = fc.record({
    startedAt: instant,
    resolvedAt: fc.option(instant),
    now: instant,
    skewMs: fc.integer({ min: -1e11, max: 1e11 }),
  });
  fc.assert(
    fc.property(walk, ({ startedAt, resolvedAt, now, skewMs }) => {
      const state = resolvedAt === null ? 'open' : 'resolved';
      const alert = alertFromIncident(incident({ startedAt, resolvedAt, state }), alertContext());
      const sent = payload(alert, { now, skewMs, lifeMs: 240_000 });
      const [startsAt, endsAt, theirs] = [Date.parse(sent.startsAt), Date.parse(sent.endsAt), now + skewMs];
      expect(startsAt).toBeLessThanOrEqual(endsAt);
      expect(startsAt).toBeLessThanOrEqual(theirs);
      if (state === 'resolved') expect(endsAt).toBeLessThanOrEqual(theirs);
      else expect(endsAt).toBe(theirs + 240_000);
    }),
    limits,
  );
});

test('no text of a response gets a control character or more than its size into an alert', () => {
  const hostile = fc.string({ unit: 'binary', maxLength: 3000 });
  fc.assert(
    fc.property(
      hostile,
      hostile,
      hostile,
      fc.array(hostile, { maxLength: 5 }),
      (evidence, detail, supersededBy, inCommon) => {
        const acquitted = incident().acquitted.map((one) => ({ ...one, evidence }));
        const { annotations } = alertFromIncident(
          incident({
            acquitted,
            detail,
            supersededBy,
            inCommon,
            state: 'resolved',
            resolvedAt: 0,
            blame: null,
          }),
          alertContext(),
        );
        for (const text of Object.values(annotations)) {
          expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8192);
        }
        expect(annotations['summary']).not.toContain('\n');
      },
    ),
    limits,
  );
});

test('a cut text is a prefix of whole characters within its bytes', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.integer({ min: 0, max: 300 }),
      (text, limit) => {
        const cut = cutBytes(text, limit);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(Math.max(limit, 0));
        expect(cut === text || text.startsWith(cut.replace(/…$/, ''))).toBe(true);
        expect(cut).not.toContain('\ufffd');
      },
    ),
    limits,
  );
});
