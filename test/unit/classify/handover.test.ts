// Verified hand-overs: right provider, client, return host and return URL, for each kind of gate.

import { describe, expect, test } from 'vitest';
import { stateRedirect } from '../../../src/classify/handover.ts';
import type { Gate } from '../../../src/model/gate.ts';
import type { Fact } from '../../../src/model/verdict.ts';
import {
  APP,
  authorize,
  CLIENT,
  check,
  exchange,
  gate,
  handedOver,
  judge,
  knowing,
  observation,
  state,
} from './subjects.ts';

interface Row {
  readonly what: string;
  readonly location: string;
  readonly gate?: Partial<Gate>;
  readonly facts?: readonly Fact[];
  readonly right: boolean;
}

const oidc = (query: string): string => `https://auth.example.com/realms/main/auth?${query}`;

const rows: readonly Row[] = [
  { what: 'the authorize endpoint of the provider', location: authorize(), right: true },
  { what: 'another provider', location: authorize({ host: 'https://login.example.com' }), right: false },
  { what: 'the provider over http', location: authorize({ host: 'http://auth.example.com' }), right: false },
  {
    what: 'the provider on another port',
    location: authorize({ host: 'https://auth.example.com:8443' }),
    right: false,
  },
  { what: 'the front page of the provider', location: 'https://auth.example.com/?client_id=x', right: false },
  {
    what: 'a provider whose configured URL is none',
    location: authorize(),
    gate: { url: 'nonsense' },
    right: false,
  },
  {
    what: 'a provider below a pathname',
    location: authorize({ host: 'https://auth.example.com/sso' }),
    gate: { url: 'https://auth.example.com/sso/' },
    right: true,
  },
  { what: 'no client', location: authorize({ client: '' }), right: false },
  { what: 'the configured client', location: authorize(), gate: { clients: ['x', CLIENT] }, right: true },
  { what: 'another client than configured', location: authorize(), gate: { clients: ['x'] }, right: false },
  {
    what: 'the learned client',
    location: authorize(),
    facts: [{ kind: 'client', key: 'app.example.com', value: CLIENT }],
    right: true,
  },
  {
    what: 'another client than learned',
    location: authorize(),
    facts: [{ kind: 'client', key: 'app.example.com', value: 'x' }],
    right: false,
  },
  { what: 'a foreign return host', location: authorize({ back: 'https://evil.example.net' }), right: false },
  {
    what: 'a return host that only ends alike',
    location: authorize({ back: 'https://evilexample.com' }),
    right: false,
  },
  {
    what: 'a first domain-wide return host',
    location: authorize({ back: 'https://auth.example.com' }),
    right: true,
  },
  {
    what: 'a return host in the zone',
    location: authorize({ back: 'https://sso.example.com' }),
    right: true,
  },
  {
    what: 'the learned return host',
    location: authorize({ back: 'https://sso.example.com' }),
    facts: [{ kind: 'callback', key: 'authentik', value: 'sso.example.com' }],
    right: true,
  },
  {
    what: 'another return host than learned',
    location: authorize({ back: 'https://auth.example.com' }),
    facts: [{ kind: 'callback', key: 'authentik', value: 'sso.example.com' }],
    right: false,
  },
  {
    what: 'the configured return host',
    location: authorize({ back: 'https://login.example.net:8443' }),
    gate: { callback: 'login.example.net:8443' },
    right: true,
  },
  {
    what: 'another return host than configured',
    location: authorize({ back: 'https://auth.example.com' }),
    gate: { callback: 'login.example.net' },
    right: false,
  },
  { what: 'no readable return address', location: authorize({ back: 'not a url' }), right: false },
  {
    what: 'a state for another page',
    location: authorize({ state: state('https://b.example.com/') }),
    right: false,
  },
  { what: 'a state for another pathname', location: authorize({ state: state(`${APP}x`) }), right: false },
  { what: 'a state whose return URL is none', location: authorize({ state: state('::') }), right: false },
  {
    what: 'a state without the closing slash',
    location: authorize({ state: state('https://app.example.com') }),
    right: true,
  },
  { what: 'a random state, as before 2024.6', location: authorize({ state: 'Zm9vYmFyYmF6' }), right: true },
  { what: 'a random state with two dots', location: authorize({ state: 'a.b.c' }), right: true },
  {
    what: 'oauth2-proxy with its client',
    location: oidc('client_id=p&redirect_uri=https%3A%2F%2Fapp.example.com%2Foauth2%2Fcallback'),
    gate: { kind: 'oauth2-proxy' },
    right: true,
  },
  {
    what: 'oauth2-proxy without a client',
    location: oidc('x=1'),
    gate: { kind: 'oauth2-proxy' },
    right: false,
  },
  {
    what: 'authelia with the page asked for',
    location: 'https://auth.example.com/?rd=https%3A%2F%2Fapp.example.com%2F&rm=GET',
    gate: { kind: 'authelia' },
    right: true,
  },
  {
    what: 'authelia with another page',
    location: 'https://auth.example.com/?rd=https%3A%2F%2Fapp.example.com%2Fother',
    gate: { kind: 'authelia' },
    right: false,
  },
  {
    what: 'authelia without a page',
    location: 'https://auth.example.com/',
    gate: { kind: 'authelia' },
    right: false,
  },
  { what: 'any page of a generic provider', location: oidc('x=1'), gate: { kind: 'oidc' }, right: true },
  {
    what: 'a realm of a generic provider',
    location: oidc('x=1'),
    gate: { kind: 'oidc', url: 'https://auth.example.com/realms/main' },
    right: true,
  },
  {
    what: 'another realm of a generic provider',
    location: oidc('x=1'),
    gate: { kind: 'oidc', url: 'https://auth.example.com/realms/mai' },
    right: false,
  },
  {
    what: 'a generic provider without the configured client',
    location: oidc('x=1'),
    gate: { kind: 'oidc', clients: ['p'] },
    right: false,
  },
  {
    what: 'a generic provider that returns elsewhere',
    location: oidc('client_id=p&redirect_uri=https%3A%2F%2Fevil.example.net%2F'),
    gate: { kind: 'oidc' },
    right: false,
  },
];

describe('a hand-over to', () => {
  test.each(rows)('$what', ({ location, gate: over = {}, facts = [], right }) => {
    const subject = check({ gate: gate(over) });
    const judgement = judge(subject, observation([handedOver({}, location)]), { knowledge: knowing(facts) });
    expect([judgement.verdict, judgement.signature]).toEqual(right ? ['up', null] : ['down', 'wrong-login']);
    expect(judgement.handover === null).toBe(!right);
  });
});

describe('the verified hand-over', () => {
  test('names gate, client and return host', () => {
    const judgement = judge(check(), observation([handedOver()]));
    expect(judgement.handover).toEqual({
      gate: 'authentik',
      client: CLIENT,
      returnHost: 'app.example.com',
      authorizeUrl: authorize(),
    });
  });

  test('may return to a page reached by redirects within the host', () => {
    const first = exchange({ status: 302, headers: { location: '/web/' } });
    const second = handedOver({ url: `${APP}web/` }, authorize({ state: state(`${APP}web/`) }));
    expect(judge(check(), observation([first, second])).verdict).toBe('up');
  });

  test('of a login target on the provider host itself is no redirect within the host', () => {
    const url = 'https://auth.example.com/grafana';
    const location = authorize({ back: 'https://auth.example.com', state: state(url) });
    expect(judge(check({ url }), observation([handedOver({ url }, location)])).verdict).toBe('up');
  });

  test('must meet the conditions of the expectation too', () => {
    const subject = check({ expect: { location: 'https://auth.example.com/application/x' } });
    expect(judge(subject, observation([handedOver()])).signature).toBe('wrong-content');
  });

  test('keeps its state and query out of the reason', () => {
    const judgement = judge(
      check(),
      observation([handedOver({}, authorize({ host: 'https://login.example.com' }))]),
    );
    expect(judgement.reason).not.toMatch(/login\.example|client|ey|state/);
  });

  test('needs a configured gate', () => {
    const judgement = judge(check({ gate: null }), observation([handedOver()]));
    expect(judgement.signature).toBe('wrong-login');
  });
});

describe('a redirect of a login target that is no hand-over', () => {
  test.each([
    ['without a Location', {}, 'wrong-content'],
    ['with an unreadable Location', { location: 'http://[' }, 'wrong-content'],
    ['down to http', { location: 'http://app.example.com/' }, 'wrong-login'],
  ])('%s', (_, headers, signature) => {
    expect(judge(check(), observation([exchange({ status: 302, headers })])).signature).toBe(signature);
  });
});

describe('the state', () => {
  test.each([
    [null],
    ['a.b'],
    [`a.${Buffer.from('"text"').toString('base64url')}.c`],
    [`a.${Buffer.from('null').toString('base64url')}.c`],
    [`a.${Buffer.from('{"redirect":1}').toString('base64url')}.c`],
    [`${'a'.repeat(20_000)}.b.c`],
  ])('%s has no return URL', (text) => {
    expect(stateRedirect(text)).toBeNull();
  });
});

describe('a page that must be public', () => {
  const own =
    'https://auth.example.com/application/o/authorize/?client_id=grafana&redirect_uri=https%3A%2F%2Fapp.example.com%2Foauth';

  test.each([
    ['is walled off by the own client of the gate', authorize(), {}, [], 'walled-off'],
    ['is not walled off by an own login at the same provider', own, {}, [], null],
    ['is walled off by a configured client', own, { clients: ['grafana'] }, [], 'walled-off'],
    [
      'is walled off by the client it had as a login target',
      own,
      {},
      [{ kind: 'client', key: 'app.example.com', value: 'grafana' } as const],
      'walled-off',
    ],
    [
      'is not walled off by a provider nobody configured',
      'https://accounts.example.net/?client_id=x',
      {},
      [],
      null,
    ],
    [
      'is walled off by the portal of authelia',
      'https://auth.example.com/?rd=https%3A%2F%2Fapp.example.com%2F',
      { kind: 'authelia' as const },
      [],
      'walled-off',
    ],
    [
      'is not walled off by an OpenID client at authelia',
      'https://auth.example.com/api/oidc/authorization?client_id=x&rd=1',
      { kind: 'authelia' as const },
      [],
      null,
    ],
    [
      'is walled off by the return address of oauth2-proxy',
      oidc('client_id=p&redirect_uri=https%3A%2F%2Fapp.example.com%2Foauth2%2Fcallback'),
      { kind: 'oauth2-proxy' as const },
      [],
      'walled-off',
    ],
    [
      'is not walled off by a generic provider without client',
      oidc('x=1'),
      { kind: 'oidc' as const },
      [],
      null,
    ],
  ])('%s', (_, location, over, facts, signature) => {
    for (const is of ['public', 'app'] as const) {
      const site = { gates: [gate(over)], knowledge: knowing(facts) };
      const judgement = judge(
        check({ expect: { is }, gate: gate(over) }),
        observation([handedOver({}, location)]),
        site,
      );
      expect(judgement.signature).toBe(signature);
    }
  });

  test.each([
    ['oauth2-proxy', '<form action="/oauth2/start">'],
    ['authentik', '<ak-flow-executor>'],
  ] as const)('is walled off by the login page of %s in its place', (kind, body) => {
    const subject = check({ expect: { is: 'public' }, gate: gate({ kind }) });
    expect(judge(subject, observation([exchange({ body })])).signature).toBe('walled-off');
  });
});
