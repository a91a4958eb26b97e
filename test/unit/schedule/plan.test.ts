// The plan of a site: which checks and canaries there are, and the way of each.

import { describe, expect, test } from 'vitest';
import type { Subject } from '../../../src/model/check.ts';
import { CANARY_KINDS } from '../../../src/model/check.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { knowing, plannedSite } from '../../support/planned-site.ts';

const ids = (subjects: readonly Subject[]): string[] => subjects.map((subject) => subject.id);
const way = (subjects: readonly Subject[], id: string): string[] =>
  (subjects.find((subject) => subject.id === id)?.links ?? []).map((link) =>
    link.strength < 1 ? `(${link.component})` : link.component,
  );

describe('checks', () => {
  test('a login target gets fresh and return on each path; fresh is paced by the budget', () => {
    const subjects = plan(plannedSite({ hosts: 1, more: 'canaries: none' }));
    expect(subjects.map((subject) => [subject.id, subject.everyMs])).toEqual([
      ['fresh:cdn:s1.example.com', null],
      ['return:cdn:s1.example.com', 300_000],
      ['fresh:origin:s1.example.com', null],
      ['return:origin:s1.example.com', 60_000],
    ]);
  });

  test('public, app, challenge and closed targets get fresh at the pace of return, outside the budget', () => {
    const targets = ['public', 'app', 'challenge', 'closed'].map(
      (is) => `  - { url: "https://${is}.example.com", expect: ${is}, paths: [origin] }`,
    );
    for (const subject of plan(plannedSite({ targets, more: 'canaries: none' }))) {
      expect(subject).toMatchObject({ visit: 'fresh', everyMs: 60_000, costsSession: false });
    }
  });

  test('where strangers leave no session, fresh runs at the pace of return and costs nothing', () => {
    const subjects = plan(plannedSite({ hosts: 1, sessions: '{ store: none }', more: 'canaries: none' }));
    expect(subjects.map((subject) => subject.everyMs)).toEqual([300_000, 300_000, 60_000, 60_000]);
    expect(way(subjects, 'fresh:origin:s1.example.com')).not.toContain('gate-sessions:authentik');
  });

  test("a target's own interval wins, but does not unbind fresh visits from the budget", () => {
    const targets = ['  - { url: "https://a.example.com", every: 2m }'];
    expect(plan(plannedSite({ targets, more: 'canaries: none' })).map((subject) => subject.everyMs)).toEqual([
      null,
      120_000,
      null,
      120_000,
    ]);
  });

  test('checks of one target do not depend on the others', () => {
    const few = plan(plannedSite({ hosts: 3, more: 'canaries: none' }));
    const many = plan(plannedSite({ hosts: 9, more: 'canaries: none' }));
    expect(many.slice(0, few.length)).toEqual(few);
  });
});

describe('ways', () => {
  const subjects = plan(plannedSite({ hosts: 2 }));
  const front = [
    'vantage:here',
    'resolver:1.1.1.1:53',
    'dns:example.com',
    'certificate:s1.example.com@cdn',
    'cdn:cdn',
  ];
  const back = ['certificate:s1.example.com@origin', 'origin:origin'];

  test.each([
    [
      'fresh:cdn:s1.example.com',
      [
        ...front,
        ...back,
        'gate:authentik',
        'gate-sessions:authentik',
        '(idp:auth.example.com)',
        'target:s1.example.com',
      ],
    ],
    [
      'return:cdn:s1.example.com',
      [...front, ...back, 'gate:authentik', '(idp:auth.example.com)', 'target:s1.example.com'],
    ],
    [
      'return:origin:s1.example.com',
      ['vantage:here', ...back, 'gate:authentik', '(idp:auth.example.com)', 'target:s1.example.com'],
    ],
    ['canary:control:https://www.example.net', ['vantage:here']],
    ['canary:dns:cdn:example.com', front.slice(0, 3)],
    ['canary:tls:cdn:s1.example.com', front],
    ['canary:tls:origin:s1.example.com', ['vantage:here', ...back]],
    ['canary:gate-ping:origin:authentik', ['vantage:here', ...back, 'gate:authentik']],
    ['canary:no-route:origin:example.com', ['vantage:here', 'origin:origin']],
    [
      'canary:no-route:cdn:example.com',
      [...front.filter((name) => !name.startsWith('certificate')), 'origin:origin'],
    ],
  ])('%s', (id, wanted) => expect(way(subjects, id)).toEqual(wanted));

  test('the identity provider is reached over the paths of its gate', () => {
    expect(way(subjects, 'canary:idp-health:cdn:auth.example.com').at(-1)).toBe('idp:auth.example.com');
    expect(way(subjects, 'canary:idp-health:cdn:auth.example.com')).toContain(
      'certificate:auth.example.com@cdn',
    );
  });

  test('the files of the login page go the same way, where it is known how to ask for the page', () => {
    const id = 'canary:login-assets:cdn:auth.example.com';
    expect(way(subjects, id)).toEqual(way(subjects, 'canary:idp-health:cdn:auth.example.com'));
    const site = plannedSite();
    const gates = site.gates.map((gate) => ({ ...gate, kind: 'oidc' as const }));
    expect(ids(plan({ ...site, gates })).filter((each) => each.includes('login-assets'))).toEqual([]);
  });

  test('a challenge is answered by the CDN, so nothing behind it is on the way', () => {
    const targets = ['  - { url: "https://a.example.com", expect: { cdn: challenge, origin: login } }'];
    const found = plan(plannedSite({ targets }));
    expect(way(found, 'fresh:cdn:a.example.com').slice(-2)).toEqual(['cdn:cdn', 'target:a.example.com']);
    expect(way(found, 'fresh:origin:a.example.com')).toContain('gate:authentik');
    expect(ids(found)).not.toContain('return:cdn:a.example.com');
  });

  test('where the app is reached, shared labels and a shared host are on the way', () => {
    const targets = [
      '  - { url: "https://a.example.com", expect: app, paths: [origin], labels: { node: n1, team: x } }',
      '  - { url: "https://a.example.com/api", expect: public, paths: [origin] }',
    ];
    const found = plan(plannedSite({ targets, more: 'shared: [node]' }));
    expect(way(found, 'fresh:origin:a.example.com').slice(-3)).toEqual([
      'node:n1',
      'host:a.example.com',
      'target:a.example.com',
    ]);
    expect(way(found, 'fresh:origin:a.example.com/api').slice(-2)).toEqual([
      'host:a.example.com',
      'target:a.example.com/api',
    ]);
  });

  test('without an origin path the origin behind the CDN is unnamed', () => {
    const targets = ['  - { url: "https://a.example.com", paths: [cdn] }'];
    expect(way(plan(plannedSite({ targets })), 'return:cdn:a.example.com')).toContain('origin:unnamed');
  });

  test('a learned certificate name is shared by the hosts it covers', () => {
    const knowledge = knowing({
      'certificate s1.example.com@cdn': '*.example.com',
      'certificate s2.example.com@cdn': '*.example.com',
    });
    const found = plan(plannedSite({ hosts: 2, knowledge }));
    for (const host of ['s1', 's2'])
      expect(way(found, `return:cdn:${host}.example.com`)).toContain('certificate:*.example.com@cdn');
  });

  test('plain http and unverified TLS have no certificate on the way', () => {
    const found = plan(plannedSite({ targets: ['  - { url: "http://a.example.com", expect: app }'] }));
    expect(way(found, 'fresh:cdn:a.example.com').join()).not.toContain('certificate');
  });
});

describe('canaries', () => {
  test('none when they are switched off', () => {
    expect(
      ids(plan(plannedSite({ more: 'canaries: none' }))).filter((id) => id.startsWith('canary')),
    ).toEqual([]);
  });

  test('a retired one is left out', () => {
    const id = 'canary:no-route:origin:example.com';
    expect(ids(plan(plannedSite()))).toContain(id);
    expect(
      ids(plan(plannedSite({ knowledge: knowing({ [`canary-retired ${id}`]: 'gate cookie' }) }))),
    ).not.toContain(id);
  });

  test('an unknown host is asked for on the port of the targets', () => {
    const found = plan(plannedSite({ targets: ['  - https://a.example.com:8443'] }));
    expect(found.find((subject) => subject.id === 'canary:no-route:cdn:example.com')).toMatchObject({
      url: 'https://example.com:8443/',
    });
  });

  test('authorize is planned once its URL is known', () => {
    const url = 'https://auth.example.com/application/o/authorize/?client_id=x&prompt=none';
    expect(ids(plan(plannedSite())).join()).not.toContain('authorize');
    const found = plan(plannedSite({ knowledge: knowing({ 'authorize authentik': url }) }));
    expect(found.find((subject) => subject.id === 'canary:authorize:cdn:authentik')).toMatchObject({
      url,
      about: 'idp:auth.example.com',
    });
  });

  test("the CDN's own page is asked of a public host, else of the identity provider", () => {
    expect(ids(plan(plannedSite()))).toContain('canary:cdn-trace:cdn:auth.example.com');
    const targets = ['  - https://a.example.com', '  - { url: "https://www.example.com", expect: public }'];
    const found = plan(plannedSite({ targets })).find(
      (subject) => subject.id === 'canary:cdn-trace:cdn:www.example.com',
    );
    expect(found).toMatchObject({ url: 'https://www.example.com/cdn-cgi/trace', about: 'cdn:cdn' });
  });

  test('the ping is asked of every path, for authentik alone', () => {
    expect(ids(plan(plannedSite())).filter((id) => id.includes('gate-ping'))).toEqual([
      'canary:gate-ping:cdn:authentik',
      'canary:gate-ping:origin:authentik',
    ]);
  });

  test('those that ask at a host of a target carry its headers, and no others', () => {
    const targets = ['  - https://a.example.com', '  - { url: "https://www.example.com", expect: public }'];
    const more = 'defaults: { headers: { X-Skip: secret } }\ncontrol: ["https://www.example.net"]';
    const url = 'https://auth.example.com/application/o/authorize/?client_id=a';
    const knowledge = knowing({ 'authorize authentik': url });
    const canaries = plan(plannedSite({ targets, more, knowledge })).filter((one) => one.kind === 'canary');
    const carrying = canaries.filter((one) => JSON.stringify(one.headers).includes('secret'));
    expect(new Set(canaries.map((one) => one.canary))).toEqual(new Set(CANARY_KINDS));
    expect(new Set(carrying.map((one) => one.canary))).toEqual(new Set(['cdn-trace', 'gate-ping']));
  });

  test("the CDN's own page at the identity provider is asked for without them", () => {
    const more = 'defaults: { headers: { X-Skip: secret } }';
    const trace = plan(plannedSite({ more })).find((one) => one.id.startsWith('canary:cdn-trace'));
    expect(trace).toMatchObject({ url: 'https://auth.example.com/cdn-cgi/trace', headers: {} });
  });
});
