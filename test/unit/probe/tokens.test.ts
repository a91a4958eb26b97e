// Tokens of client credentials: made once, used until shortly before their end, and not asked for again and again.

import { expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import type { Credential } from '../../../src/model/account.ts';
import type { Ask } from '../../../src/probe/conversation.ts';
import { createTokens } from '../../../src/probe/tokens.ts';
import { gate, path } from '../../integration/probe/probe-kit.ts';
import { account } from '../../support/accounts.ts';
import { manualClock } from '../../support/manual-clock.ts';

const CLIENT: Extract<Credential, { kind: 'client' }> = {
  kind: 'client',
  tokenUrl: 'https://auth.site.test/application/o/token/',
  id: 'abc',
  secret: new Secret('geheim&=é'),
  scope: 'openid ak_proxy',
};

function provider(answer: { status: number; body: string }, client = CLIENT) {
  const clock = manualClock(0);
  const asks: Ask[] = [];
  const get = (ask: Ask) => {
    asks.push(ask);
    return Promise.resolve({ ...answer, url: ask.url.href, error: null } as never);
  };
  const exchanger = { get, handshake: () => Promise.reject(new Error('never')) };
  const tokens = createTokens({ clock, exchanger, userAgent: 'test' });
  const limit = { signal: new AbortController().signal, timeoutMs: 1_000, stopped: () => false };
  const over = { client, gate: gate(), path: path({ host: '192.0.2.1', port: 443 }), limit };
  return {
    clock,
    asks,
    token: (more = {}) => tokens.token(account({ credential: client }), { ...over, ...more }),
  };
}

const made = (seconds: number) => ({
  status: 200,
  body: JSON.stringify({ access_token: 'geheim.token', token_type: 'Bearer', expires_in: seconds }),
});

test('a token is made once for all who ask, and again shortly before its end', async () => {
  const { clock, asks, token } = provider(made(300));
  const both = await Promise.all([token(), token()]);
  expect(both.map((one) => [one.token, one.exchange !== null])).toEqual([
    ['geheim.token', true],
    ['geheim.token', false],
  ]);
  await clock.advance(269_000);
  await token();
  expect(asks).toHaveLength(1);
  await clock.advance(2_000);
  await token();
  expect(asks).toHaveLength(2);
  expect(Object.fromEntries(new URLSearchParams(asks[0]?.post))).toEqual({
    grant_type: 'client_credentials',
    client_id: 'abc',
    client_secret: 'geheim&=é',
    scope: 'openid ak_proxy',
  });
});

test('a refused client asks again after five minutes, not with every visit', async () => {
  const { clock, asks, token } = provider({ status: 400, body: '{"error":"invalid_client"}' });
  expect((await token()).exchange).not.toBeNull();
  expect(await token()).toEqual({ token: null, exchange: null });
  await clock.advance(301_000);
  await token();
  expect(asks).toHaveLength(2);
});

test.each([
  ['no JSON', '<html>'],
  ['a token that no header can carry', JSON.stringify({ access_token: 'a\r\nb' })],
  ['no token', '{}'],
])('%s is no token', async (_name, body) => {
  expect((await provider({ status: 200, body }).token()).token).toBeNull();
});

test.each([
  ['to another origin', { ...CLIENT, tokenUrl: 'https://evil.test/token' }, {}],
  ['over plain http', { ...CLIENT, tokenUrl: 'http://auth.site.test/token' }, {}],
  ['where no path leads to the provider', CLIENT, { path: null }],
])('the secret is not sent %s', async (_name, client, over) => {
  const { asks, token } = provider(made(300), client);
  expect(await token(over)).toEqual({ token: null, exchange: null });
  expect(asks).toEqual([]);
});
