// Which signed-in visits are planned, and what they run through (DESIGN 3, 5 and 10).

import { describe, expect, test } from 'vitest';
import type { Check, Visit } from '../../../src/model/check.ts';
import { componentFromId } from '../../../src/model/component.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { plannedSite, type SiteOptions } from '../../support/planned-site.ts';

const PASSWORD = 'username: probe, password: geheim';

function planned(accounts: string, over: SiteOptions = {}): Check[] {
  const site = plannedSite({
    hosts: 2,
    ...over,
    more: `control: []\n${over.more ?? ''}\naccounts: [${accounts}]`,
  });
  return plan(site).filter((subject): subject is Check => subject.kind === 'visit');
}

const ids = (checks: readonly Check[], ...visits: Visit[]): string[] =>
  checks.filter(({ visit }) => visits.includes(visit)).map(({ id }) => id);

describe('signed-in visits', () => {
  test('are none without an account, and leave the strangers alone', () => {
    const without = plan(plannedSite({ hosts: 2, more: 'control: []' }));
    const withOne = planned(`{ name: monitor, ${PASSWORD} }`);
    expect(ids(withOne, 'fresh', 'return')).toEqual(
      without.filter(({ kind }) => kind === 'visit').map(({ id }) => id),
    );
  });

  test('are a session and a login for each target and path that the account may enter', () => {
    expect(
      ids(planned(`{ name: monitor, ${PASSWORD}, hosts: [s1.example.com] }`), 'session', 'login'),
    ).toEqual([
      'session:cdn:s1.example.com',
      'login:cdn:s1.example.com',
      'session:origin:s1.example.com',
      'login:origin:s1.example.com',
    ]);
  });

  test('are a session alone for an API credential, and where the account must be refused', () => {
    expect(ids(planned('{ name: key, bearer: geheim }'), 'login')).toEqual([]);
    const denied = planned(`{ name: monitor, ${PASSWORD}, denied: [s1.example.com] }`);
    expect(ids(denied, 'login')).toEqual(['login:cdn:s2.example.com', 'login:origin:s2.example.com']);
    expect(denied.find(({ id }) => id === 'session:origin:s1.example.com')?.everyMs).toBe(900_000);
    expect(denied.find(({ id }) => id === 'session:origin:s2.example.com')?.everyMs).toBe(60_000);
  });

  test.each([
    ['a page that needs no login', '  - { url: "https://s1.example.com", expect: public }'],
    ['a page over plain http', '  - http://s1.example.com'],
    ['what must not be woken', '  - { url: "https://s1.example.com", wake: never }'],
  ])('are none for %s', (_name, target) => {
    expect(
      ids(
        planned(`{ name: monitor, ${PASSWORD}, hosts: [s1.example.com] }`, { targets: [target] }),
        'session',
        'login',
      ),
    ).toEqual([]);
  });

  test('are chosen by checks.session.account, checks.login.account and checks.login.targets', () => {
    const checks = planned(
      `{ name: key, bearer: geheim }, { name: monitor, ${PASSWORD} }, { name: second, ${PASSWORD} }`,
      {
        more: 'checks: { session: { account: monitor }, login: { account: second, targets: ["https://s2.example.com"] } }',
      },
    );
    const who = (visit: Visit) => [
      ...new Set(checks.filter((one) => one.visit === visit).map(({ account }) => account?.name)),
    ];
    expect([who('session'), who('login')]).toEqual([['monitor'], ['second']]);
    expect(ids(checks, 'login')).toEqual(['login:cdn:s2.example.com', 'login:origin:s2.example.com']);
  });

  test('run through what they depend on: a session reaches the app, a login passes the provider by its own way', () => {
    const checks = planned(`{ name: monitor, ${PASSWORD} }`, {
      more: 'shared: [node]',
      targets: ['  - { url: "https://s1.example.com", labels: { node: n1 } }'],
    });
    const way = (id: string): string[] =>
      (checks.find((one) => one.id === id)?.links ?? []).map(
        ({ component, strength }) =>
          `${componentFromId(component).type}${strength === 1 ? '' : ` ${strength}`}`,
      );
    const network = ['vantage', 'certificate', 'origin'];
    expect(way('session:origin:s1.example.com')).toEqual([...network, 'gate', 'idp 0.3', 'node', 'target']);
    expect(way('login:origin:s1.example.com')).toEqual([
      ...network,
      ...['resolver', 'dns', 'certificate', 'cdn', 'certificate'],
      ...['gate', 'gate-sessions', 'idp', 'node', 'target'],
    ]);
  });
});
