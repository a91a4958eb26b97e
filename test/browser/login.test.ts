// The whole login in Chromium, by the flow that ships, at the demo site: over both paths, in all forms the login has,
// and with everything that a person would be told there.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoginSetup } from '../../src/demo/login-flow.ts';
import type { FlowEnd } from '../../src/model/observation.ts';
import { type LoginSite, startLoginSite } from '../support/browser-visit.ts';

let site: LoginSite;
const DENIED = 'storage.lab.test';

beforeAll(async () => {
  site = await startLoginSite([DENIED]);
});
afterAll(async () => site?.[Symbol.asyncDispose]());

test.for(['cdn', 'origin'] as const)('logs in by %s and takes that path alone', async (path) => {
  site.setup({});
  const before = site.site.counters().requests;
  const { flow, exchanges, error } = await site.visit(path);
  expect(flow).toMatchObject({ end: 'app', secretsSent: true });
  expect(error).toBeNull();
  expect(exchanges.at(-1)).toMatchObject({ status: 200 });
  expect(flow!.steps.map(({ name }) => name)).toEqual(expect.arrayContaining(['identification', 'password']));
  const config = site.config.paths.find(({ name }) => name === path)!;
  const own = exchanges.filter(({ url }) => new URL(url).hostname === 'grafana.lab.test');
  expect(own.length).toBeGreaterThan(2);
  const edge = Number(site.site.environment['GATEWATCH_DEMO_EDGE_PORT']);
  for (const { remote, headers } of own) {
    expect(remote).toEqual({ address: '127.0.0.1', port: config.address?.port ?? edge });
    expect('cf-ray' in headers).toBe(path === 'cdn');
  }
  // The site counted the same: past the edge only what was sent to it.
  const after = site.site.counters().requests;
  const past = after['origin']! - before['origin']! - (after['edge']! - before['edge']!);
  expect(past).toBe(path === 'cdn' ? 0 : own.length);
});

test('answers everything that a login may ask: one page, code, consent, staying signed in', async () => {
  site.setup({ steps: 'one', totp: true, consent: true, rememberMe: true });
  const { flow } = await site.visit('cdn');
  expect(flow).toMatchObject({ end: 'app', secretsSent: true });
  const names = flow!.steps.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['identification', 'authenticator-validate-code', 'consent', 'user-login']),
  );
});

const ENDS: readonly (readonly [Partial<LoginSetup>, FlowEnd, string])[] = [
  [{ passwords: 'rejected' }, 'rejected', 'does not take what was typed (password)'],
  [{ passwords: 'rejected', steps: 'one' }, 'rejected', 'does not take what was typed (identification)'],
  [
    { codes: 'rejected', totp: true, steps: 'one' },
    'rejected',
    'does not take what was typed (authenticator',
  ],
  [{ outcome: 'denied' }, 'denied', 'denies access'],
  [{ outcome: 'error' }, 'flow-error', 'an error of its flow'],
  [{ captcha: true }, 'needs-human', 'something of a person'],
];
test.for(ENDS)('%o is %s', async ([setup, end, detail]) => {
  site.setup(setup);
  const { flow, error } = await site.visit('origin');
  expect(flow).toMatchObject({ end, detail: expect.stringContaining(detail) });
  expect(error).toBeNull();
});

test('an application that refuses the user is a denial, though its status is 200', async () => {
  site.setup({});
  const { flow } = await site.visit('origin', { host: DENIED });
  expect(flow).toMatchObject({ end: 'denied', secretsSent: true });
});
