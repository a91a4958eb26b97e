// Fingerprints must be those of Prometheus, byte for byte: other tools compare them.

import { expect, test } from 'vitest';
import { fingerprint } from '../../../src/notify/fingerprint.ts';

// As Alertmanager 0.25 tells them at GET /api/v2/alerts.
test.each([
  [{ alertname: 'x' }, 'd240efc3896bf266'],
  [
    { severity: 'critical', name: 'embedded', component: 'gate-sessions', alertname: 'GatewatchSharedFault' },
    '7519f4534c49c596',
  ],
  [
    { alertname: 'GatewatchServiceDown', target: 'größe.example.com/€', a_b: '\n"', Z: '1' },
    'd5504566c13df992',
  ],
])('of %j is %s', (labels, expected) => {
  expect(fingerprint(labels)).toBe(expected);
});

test('of no labels is the offset of FNV-1a', () => {
  expect(fingerprint({})).toBe('cbf29ce484222325');
});
