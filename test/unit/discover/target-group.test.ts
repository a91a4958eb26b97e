// What Prometheus' target groups mean as claims.

import { expect, test } from 'vitest';
import { listingFromGroups } from '../../../src/discover/target-group.ts';

const one = (text: string) => listingFromGroups([{ targets: [text] }], 'sd', 'a.json');

test.each([
  ['grafana.example.com', 'https', 'grafana.example.com', '/'],
  ['grafana.example.com:443', 'https', 'grafana.example.com', '/'],
  ['grafana.example.com:80', 'http', 'grafana.example.com', '/'],
  ['http://grafana.example.com', 'http', 'grafana.example.com', '/'],
  ['https://grafana.example.com:443/a/b', 'https', 'grafana.example.com', '/a/b'],
  ['grafana.example.com/a', 'https', 'grafana.example.com', '/a'],
])('takes %s', (text, scheme, host, pathname) => {
  expect(one(text).found).toMatchObject([{ object: 'a.json group 0', scheme, host, pathname, expect: null }]);
});

test.each([
  'grafana.example.com:9090',
  'http://grafana.example.com:443',
  'ftp://grafana.example.com',
  'https://user:word@grafana.example.com/',
  'https://grafana.example.com?token=word',
  '[::1]:443',
  'two words',
  '',
])('leaves %j out, and says so without the text', (text) => {
  const { found, notes } = one(text);
  expect(found).toEqual([]);
  expect(notes).toMatchObject([{ object: 'a.json group 0' }]);
  expect(JSON.stringify(notes)).not.toContain('word');
});

test('makes wishes of labels, and nothing of those that are Prometheus’ own', () => {
  const labels = { team: 'ops', __meta_x: 'y', __expect__: 'public', __gate__: 'authentik' };
  const { found } = listingFromGroups([{ targets: ['a.example.com'], labels }], 'sd', 'a.json');
  expect(found).toMatchObject([
    { expect: null, gate: 'authentik', labels: {}, wishes: { expect: 'public', labels: { team: 'ops' } } },
  ]);
});

test('says so when an expectation is none', () => {
  const { found, notes } = listingFromGroups(
    [{ targets: ['a.example.com'], labels: { __expect__: '${file:/run/secrets/x}' } }],
    'sd',
    'a.json',
  );
  expect(found).toMatchObject([{ wishes: {} }]);
  expect(notes).toEqual([
    {
      object: 'a.json group 0',
      why: 'has an __expect__ that is none of login, public, app, challenge, closed',
    },
  ]);
});
