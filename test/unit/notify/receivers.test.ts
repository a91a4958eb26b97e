// What `receivers:` and `alerts:` take and refuse.

import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { alertsSchema } from '../../../src/notify/alert-options.ts';
import { receiverPlace, receiverSchema, wants } from '../../../src/notify/receivers.ts';

const am = { name: 'am', kind: 'alertmanager', urls: ['http://am-0:9093', 'http://am-1:9093'] };
const hook = { name: 'hook', kind: 'webhook', url: 'https://hooks.example.com/T0KEN' };
const problems = (raw: unknown) =>
  receiverSchema.safeParse(raw).error?.issues.map((one) => `${one.path.join('.')}: ${one.message}`);

describe('receivers', () => {
  test('have their defaults', () => {
    expect(receiverSchema.parse(am)).toEqual({
      kind: 'alertmanager',
      name: 'am',
      urls: am.urls,
      match: {},
      fallbackFor: null,
      afterMs: 120_000,
      auth: null,
      ca: [],
    });
  });

  test('never show address or credentials', () => {
    const raw = {
      ...hook,
      auth: { basic: { username: 'u', password: 'PASSW0RD' } },
      match: { severity: ['critical', 'warning'] },
    };
    const parsed = receiverSchema.parse(raw);
    expect(`${inspect(parsed, { depth: 9 })}${JSON.stringify(parsed)}`).not.toMatch(/T0KEN|PASSW0RD/);
    expect(receiverPlace(parsed)).toBe('https://hooks.example.com');
  });

  test.each<[string, unknown, string]>([
    [
      'a kind that is not built',
      { name: 'n', kind: 'ntfy', url: 'x' },
      'kind: receiver kind ntfy is not built yet',
    ],
    ['a wait without a fallback', { ...hook, after: '2m' }, 'after: `after` needs `fallback-for`'],
    ['no address', { ...am, urls: [] }, 'urls: Too small: expected array to have >=1 items'],
    ['an address that is none', { ...hook, url: 'ftp://x' }, 'url: must be an http or https URL'],
    ['an unknown key', { ...hook, colour: 'red' }, ': Unrecognized key: "colour"'],
    ['a root that is no certificate', { ...hook, tls: { ca: '/etc/ca.pem' } }, 'tls.ca: Invalid input'],
  ])('refuse %s', (_, raw, expected) => {
    expect(problems(raw)).toEqual([expected]);
  });

  test.each([
    [{}, true],
    [{ severity: ['critical'] }, true],
    [{ severity: ['warning', 'critical'], alertname: ['A'] }, true],
    [{ severity: ['warning'] }, false],
    [{ missing: ['x'] }, false],
  ])('that match %j want the alert: %s', (match, expected) => {
    expect(wants({ match }, { alertname: 'A', severity: 'critical' })).toBe(expected);
  });
});

describe('alerts', () => {
  test('have their defaults', () => {
    expect(alertsSchema.parse({})).toEqual({
      labels: {},
      rules: [],
      startupGraceMs: 300_000,
      certificateWarnMs: 14 * 86_400_000,
      runbooks: null,
    });
  });

  test('refuse rules that would change the alertname and labels that Alertmanager refuses', () => {
    expect(alertsSchema.safeParse({ rules: [{ match: {}, labels: { alertname: 'x' } }] }).success).toBe(
      false,
    );
    expect(alertsSchema.safeParse({ labels: { 'not-a-name': 'x' } }).success).toBe(false);
  });
});
