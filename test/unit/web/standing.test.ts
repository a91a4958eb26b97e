// The sentence at the top of the page: true and enough, never good news about nothing.

import { expect, test } from 'vitest';
import type { Incident } from '../../../src/model/incident.ts';
import { headline, lanes, laneTone, ranked, worstVerdict } from '../../../src/web/standing.ts';
import { allWell, INCIDENT, sessionsFull, snapshotOf } from '../../support/web-snapshot.ts';

const summary = (incident: Incident): string => `summary of ${incident.id}`;
const say = (snapshot: Parameters<typeof headline>[0]) => headline(snapshot, summary);

test('says that all services let people in', () => {
  expect(say(allWell())).toEqual({ tone: 'good', text: 'All 37 services let people in', more: '' });
});

test('is the summary of the incident while there is one', () => {
  expect(say(sessionsFull())).toMatchObject({ tone: 'bad', text: 'summary of i7', more: '' });
});

test('tells the gravest incident and counts the others', () => {
  const incidents: Incident[] = [
    { ...INCIDENT, id: 'i1', kind: 'service' },
    { ...INCIDENT, id: 'i2', kind: 'exposed' },
    { ...INCIDENT, id: 'i3', kind: 'shared', state: 'resolved' },
  ];
  expect(say(snapshotOf({ verdict: () => 'up', incidents }))).toMatchObject({
    tone: 'bad',
    text: 'summary of i2',
    more: 'and one more below',
  });
  expect(ranked(incidents).map(({ id }) => id)).toEqual(['i2', 'i1']);
});

test('a certificate near its end does not hide that people get in', () => {
  const incidents: Incident[] = [{ ...INCIDENT, kind: 'certificate' }];
  expect(say(snapshotOf({ verdict: () => 'up', incidents }))).toEqual({
    tone: 'good',
    text: 'All 37 services let people in',
    more: 'summary of i7',
  });
});

test.each<[string, Parameters<typeof snapshotOf>[0]['verdict'], string, string]>([
  ['nothing was probed yet', () => null, 'wait', 'No results yet'],
  ['nothing is known', () => 'unknown', 'wait', 'No results yet'],
  [
    'one failed without an incident',
    (_v: string, _p: string, t: string) => (t.startsWith('ci.') ? 'down' : 'up'),
    'warn',
    '1 of 37 services failed the last probe',
  ],
  [
    'some have no verdict',
    (_v: string, _p: string, t: string) => (t.endsWith('.net') ? null : 'up'),
    'good',
    '30 of 37 services let people in',
  ],
  [
    'some are slow',
    (_v: string, _p: string, t: string) => (t.startsWith('ci.') ? 'degraded' : 'up'),
    'good',
    'All 37 services let people in',
  ],
])('when %s', (_name, verdict, tone, text) => {
  expect(say(snapshotOf({ verdict }))).toMatchObject({ tone, text });
});

test('an empty configuration is not good news', () => {
  expect(say({ ...allWell(), targets: [], checks: [] })).toMatchObject({
    tone: 'wait',
    text: 'No services are watched',
  });
});

test('lanes count who gets in by visit and path', () => {
  const all = lanes(sessionsFull());
  expect(all.map(({ visit, path, up, down, open }) => [visit, path, up, down, open])).toEqual([
    ['fresh', 'cdn', 3, 34, 0],
    ['fresh', 'origin', 3, 34, 0],
    ['return', 'cdn', 34, 0, 0],
    ['return', 'origin', 34, 0, 0],
  ]);
  expect(all.map(laneTone)).toEqual(['bad', 'bad', 'good', 'good']);
  expect(laneTone({ visit: 'fresh', path: 'cdn', up: 0, down: 0, open: 5 })).toBe('wait');
  expect(laneTone({ visit: 'fresh', path: 'cdn', up: 30, down: 1, open: 0 })).toBe('warn');
});

test('unknown hides behind any real verdict', () => {
  expect(worstVerdict([{ verdict: 'unknown' }, { verdict: 'up' }])).toBe('up');
  expect(worstVerdict([{ verdict: 'up' }, { verdict: 'down' }])).toBe('down');
  expect(worstVerdict([])).toBeNull();
});
