// The demo's phone: what it takes, what it shows, what it refuses.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { type Notification, type Phone, startPhone } from '../../../src/demo/phone.ts';

let rung: Notification[];
let phone: Phone;
beforeEach(async () => {
  rung = [];
  phone = await startPhone({ clock: systemClock, ring: (notification) => rung.push(notification) });
});
afterEach(() => phone[Symbol.asyncDispose]());

function post(body: string): Promise<number> {
  return fetch(phone.url, { method: 'POST', body }).then((response) => response.status);
}

function webhook(summary: string, status = 'firing'): string {
  const alert = { status, labels: { alertname: 'GatewatchExposed' }, annotations: { summary } };
  return JSON.stringify({ version: '4', status, receiver: 'phone', alerts: [alert] });
}

test('rings with the name of the alert and its summary, and keeps it', async () => {
  expect(await post(webhook('papers shows itself to strangers'))).toBe(200);
  expect(await post(webhook('papers was open for 2 min', 'resolved'))).toBe(200);
  expect(rung).toEqual([
    { title: 'GatewatchExposed firing', text: 'papers shows itself to strangers' },
    { title: 'GatewatchExposed resolved', text: 'papers was open for 2 min' },
  ]);
  expect(phone.notifications).toEqual(rung);
});

test('shows one line without control characters', async () => {
  await post(webhook('red \u001b[31m alert\nsecond line'));
  expect(rung[0]?.text).toBe('red ·[31m alert·second line');
});

test.each([
  ['no JSON', '{'],
  ['no alerts', '{}'],
  ['labels that are no text', '{"alerts":[{"status":"firing","labels":{"a":1}}]}'],
  ['a body beyond 1 MiB', webhook('x'.repeat(1024 * 1024))],
])('refuses %s', async (_, body) => {
  expect(await post(body)).toBe(400);
  expect(rung).toEqual([]);
});

test('keeps the last hundred', async () => {
  for (let n = 1; n <= 101; n++) await post(webhook(`number ${n}`));
  expect(phone.notifications).toHaveLength(100);
  expect(phone.notifications[0]?.text).toBe('number 2');
});
