// Dates in alerts are in UTC wherever the daemon runs (threats X19): the same text under three zones, on a night when
// their clocks change.

import { afterEach, expect, test } from 'vitest';
import { createCertificateWatch } from '../../../src/correlate/certificates.ts';
import type { ProbeResult } from '../../../src/model/result.ts';
import { alertFromIncident } from '../../../src/notify/alert.ts';
import { payload } from '../../../src/notify/alertmanager-peer.ts';
import { alertContext } from '../../support/alert-context.ts';
import { incident } from '../../support/incident.ts';

const before = process.env['TZ'];
afterEach(() => {
  if (before === undefined) delete process.env['TZ'];
  else process.env['TZ'] = before;
});

const DAY = 86_400_000;
/** Half an hour around the change of clocks in Europe/Berlin, October 2026. */
const CHANGE = Date.UTC(2026, 9, 25, 1);

function texts(): unknown {
  const part = { startedAt: CHANGE - 900_000, resolvedAt: CHANGE + 900_000, state: 'resolved' } as const;
  const alert = alertFromIncident(incident(part), alertContext());
  const tls = { matchedName: 'a.example.com', notBefore: CHANGE - 90 * DAY, notAfter: CHANGE + DAY };
  const certificates = createCertificateWatch(14 * DAY);
  const result = { subject: { path: { name: 'cdn' } }, observation: { exchanges: [{ tls }] } };
  return [
    alert,
    payload(alert, { now: CHANGE + DAY, skewMs: 0, lifeMs: 1 }),
    certificates(result as unknown as ProbeResult, CHANGE),
  ];
}

test.each([
  ['America/Sao_Paulo', 180],
  ['Europe/Berlin', -60],
  ['Australia/Lord_Howe', -660],
])('under TZ=%s', (zone, offset) => {
  process.env['TZ'] = 'UTC';
  const expected = texts();
  expect(JSON.stringify(expected)).toContain(
    'From 2026-10-25 00:45:00 UTC until 2026-10-25 01:15:00 UTC (30 min).',
  );
  process.env['TZ'] = zone;
  expect(new Date(CHANGE).getTimezoneOffset()).toBe(offset);
  expect(texts()).toEqual(expected);
});
