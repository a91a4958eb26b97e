// A false "exposed" is the worst alarm of all: every answer that could be mistaken for the app for strangers.

import { describe, expect, test } from 'vitest';
import { fingerprint } from '../../../src/classify/no-route.ts';
import type { PathKind } from '../../../src/model/network-path.ts';
import type { Exchange } from '../../../src/model/observation.ts';
import type { Fact } from '../../../src/model/verdict.ts';
import { ADDRESS, check, exchange, judge, knowing, networkPath, observation } from './subjects.ts';

const page = (title: string, body = ''): string =>
  `<html><head><title>${title}</title></head><body>${body}</body></html>`;

const html = { 'content-type': 'text/html' };
const cdn = { ...html, 'cf-ray': '8f2a-FRA' };

const catchAll = (host: string): Exchange =>
  exchange({ url: `https://${host}/`, headers: html, body: page('Hello', `Nobody lives at ${host}`) });

interface Row {
  readonly what: string;
  readonly path?: PathKind;
  readonly answer: Partial<Exchange>;
  readonly facts?: readonly Fact[];
  readonly signature: string;
  readonly verdict: 'down' | 'unknown';
}

const rows: readonly Row[] = [
  {
    what: 'a challenge with the CDN mark',
    path: 'cdn',
    answer: { headers: { ...cdn, 'cf-mitigated': 'challenge' }, body: page('Just a moment...') },
    signature: 'bot-challenge',
    verdict: 'down',
  },
  {
    what: 'a challenge page without any mark',
    answer: { headers: html, body: page('Just a moment...') },
    signature: 'bot-challenge',
    verdict: 'down',
  },
  {
    what: 'a challenge of the AWS firewall',
    answer: { status: 202, headers: { ...html, 'x-amzn-waf-action': 'challenge' } },
    signature: 'bot-challenge',
    verdict: 'down',
  },
  {
    what: 'a page of Sablier',
    answer: { headers: html, body: page('Sablier') },
    signature: 'asleep',
    verdict: 'unknown',
  },
  {
    what: 'a page of a sleeper at Render',
    answer: { headers: { ...html, 'x-render-routing': 'dynamic-hibernate-error' } },
    signature: 'asleep',
    verdict: 'unknown',
  },
  {
    what: 'a page of ContainerNursery',
    answer: { headers: { ...html, 'x-powered-by': 'ContainerNursery' }, body: page('Please wait') },
    signature: 'asleep',
    verdict: 'unknown',
  },
  {
    what: 'a theme of Sablier whose header a proxy took off',
    answer: {
      headers: html,
      body: page('Grafana', '<p>Your instance(s) will stop after 5m of inactivity</p>'),
    },
    signature: 'asleep',
    verdict: 'unknown',
  },
  {
    what: "a user's own theme that reloads itself",
    answer: {
      headers: html,
      body: `<meta http-equiv="refresh" content="5" />${page('x', '<h3><span>Starting</span> x</h3>')}`,
    },
    signature: 'asleep',
    verdict: 'unknown',
  },
  {
    what: 'a page of Snorlax',
    answer: { headers: html, body: page('', '<img src="/sleeping-snorlax.gif" alt="Snorlax">') },
    signature: 'asleep',
    verdict: 'unknown',
  },
  {
    what: 'the default page of nginx',
    answer: { headers: html, body: page('Welcome to nginx!') },
    signature: 'proxy-no-route',
    verdict: 'down',
  },
  {
    what: 'a catch-all that says 404 in its title',
    answer: { headers: html, body: page('404 - nothing') },
    signature: 'proxy-no-route',
    verdict: 'down',
  },
  {
    what: 'the learned catch-all of the proxy',
    answer: catchAll('app.example.com'),
    facts: [
      {
        kind: 'no-route',
        key: 'example.com@origin',
        value: fingerprint(catchAll('gw-0a1b2c3d4e5f.example.com')),
      },
    ],
    signature: 'proxy-no-route',
    verdict: 'down',
  },
  {
    what: 'the catch-all of the proxy, learned over another path',
    path: 'cdn',
    answer: { ...catchAll('app.example.com'), headers: cdn },
    facts: [
      {
        kind: 'no-route',
        key: 'example.com@origin',
        value: fingerprint(catchAll('gw-0a1b2c3d4e5f.example.com')),
      },
    ],
    signature: 'proxy-no-route',
    verdict: 'down',
  },
  {
    what: 'an error page of the CDN with status 200',
    path: 'cdn',
    answer: { headers: cdn, body: page('Error', '<div id="cf-error-details"></div>') },
    signature: 'cdn-error',
    verdict: 'down',
  },
  {
    what: 'the login page of authentik on the host of the service',
    answer: { headers: html, body: page('authentik', '<ak-flow-executor>') },
    signature: 'wrong-login',
    verdict: 'down',
  },
  {
    what: 'the login page of authelia on the host of the service',
    answer: { headers: html, body: page('Login - Authelia') },
    signature: 'wrong-login',
    verdict: 'down',
  },
  {
    what: 'a page of the identity provider that fell through',
    answer: { headers: { ...html, 'x-authentik-id': 'ab' }, body: page('authentik') },
    signature: 'gate-no-app',
    verdict: 'down',
  },
  {
    what: 'an endpoint of the gate',
    answer: { url: 'https://app.example.com/outpost.goauthentik.io/start', headers: html, body: page('x') },
    signature: 'wrong-login',
    verdict: 'down',
  },
  {
    what: 'a page of another host',
    answer: { url: 'https://other.example.net/', headers: html, body: page('x') },
    signature: 'wrong-login',
    verdict: 'down',
  },
  {
    what: 'an app that did not come over the CDN it was asked through',
    path: 'cdn',
    answer: { headers: html, body: page('Grafana') },
    signature: 'path-not-taken',
    verdict: 'unknown',
  },
  {
    what: 'an app without path proof, although the address proved itself before',
    path: 'cdn',
    answer: { headers: html, body: page('Grafana') },
    facts: [{ kind: 'proven-address', key: `cdn|${ADDRESS.cdn}`, value: '' }],
    signature: 'path-not-taken',
    verdict: 'unknown',
  },
  {
    what: 'an app at the origin that carries the mark of the CDN',
    answer: { headers: cdn, body: page('Grafana') },
    signature: 'path-not-taken',
    verdict: 'unknown',
  },
];

describe.each(['fresh', 'return'] as const)('never exposed on a %s visit:', (visit) => {
  test.each(rows)('$what', ({ path = 'origin', answer, facts = [], signature, verdict }) => {
    const subject = check({ visit, path: networkPath(path) });
    const remote = { address: ADDRESS[path], port: 443 };
    const judgement = judge(subject, observation([exchange({ ...answer, remote })]), {
      knowledge: knowing(facts),
    });
    expect([judgement.signature, judgement.verdict]).toEqual([signature, verdict]);
  });
});

describe('exposed', () => {
  const app = exchange({ headers: html, body: page('Grafana') });

  test.each(['fresh', 'return'] as const)('is said of the app itself on a %s visit', (visit) => {
    const judgement = judge(check({ visit }), observation([app]));
    expect(judgement).toMatchObject({
      verdict: 'down',
      signature: 'exposed',
      pointsAt: ['target', 'origin', 'gate'],
    });
  });

  test.each([
    ['cf-cache-status', 'STALE'],
    ['age', '12'],
  ])('points at the CDN first when %s says that a cache answered', (name, value) => {
    const cached = {
      ...app,
      headers: { ...cdn, [name]: value },
      remote: { address: ADDRESS.cdn, port: 443 },
    };
    const judgement = judge(check({ path: networkPath('cdn') }), observation([cached]));
    expect(judgement).toMatchObject({ signature: 'exposed', pointsAt: ['cdn', 'target'] });
  });

  test.each(['0', '-1', 'x', '99999999999'])('takes no cache for an age of %s', (age) => {
    const judgement = judge(check(), observation([{ ...app, headers: { ...html, age } }]));
    expect(judgement.pointsAt[0]).toBe('target');
  });

  test('points at the proxy first when a cache of its own answered', () => {
    const judgement = judge(check(), observation([{ ...app, headers: { ...html, age: '3' } }]));
    expect(judgement.pointsAt).toEqual(['origin', 'target']);
  });

  test('is said of an app that speaks of starting, and of one that reloads itself', () => {
    for (const body of ['<h1>Starting a company</h1>', '<meta http-equiv="refresh" content="5">']) {
      expect(judge(check(), observation([{ ...app, body }])).signature).toBe('exposed');
    }
  });

  test('is said of login targets alone', () => {
    for (const is of ['public', 'app', 'challenge', 'closed'] as const) {
      expect(judge(check({ expect: { is } }), observation([app])).signature).not.toBe('exposed');
    }
  });
});
