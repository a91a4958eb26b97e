// Blame and acquittal of one round, on a planned site of three hosts behind one gate over two paths.

import { describe, expect, test } from 'vitest';
import { diagnose } from '../../../src/cli/diagnosis.ts';
import type { Subject } from '../../../src/model/check.ts';
import type { ProbeResult } from '../../../src/model/result.ts';
import type { SignatureId, Verdict } from '../../../src/model/verdict.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { plannedSite } from '../../support/planned-site.ts';
import { probeResult } from '../../support/probe-result.ts';

type Shows = [verdict: Verdict, signature?: string, ...pointsAt: string[]];
const UP: Shows = ['up'];
const SUBJECTS = plan(plannedSite()).filter(
  (subject) => subject.kind === 'visit' || ['control', 'gate-ping', 'idp-health'].includes(subject.canary),
);

/** A round in which each subject shows what `shows` says. */
function round(shows: (subject: Subject) => Shows, subjects: readonly Subject[] = SUBJECTS): ProbeResult[] {
  return subjects.map((subject) => {
    const [verdict, signature, ...pointsAt] = shows(subject);
    const usual = probeResult({ at: 0, verdict });
    const judgement = { ...usual.judgement, signature: (signature ?? null) as SignatureId | null, pointsAt };
    return { ...usual, subject, judgement };
  });
}

const isFresh = (subject: Subject): boolean => subject.kind === 'visit' && subject.visit === 'fresh';
const on = (subject: Subject, path: string): boolean => subject.path?.name === path;
const of = (subject: Subject, host: string): boolean =>
  subject.kind === 'visit' && subject.target.host === `${host}.example.com`;

const cases: [what: string, shows: (subject: Subject) => Shows, blamed: string[]][] = [
  ['nobody while all is well', () => UP, []],
  [
    'the session store when fresh visits fail and return visits work',
    (one) => (isFresh(one) ? ['down', 'gate-no-session', 'gate-sessions'] : UP),
    ['gate-sessions:authentik'],
  ],
  [
    'the gate when both kinds of visit fail over both paths, and its ping',
    (one) => (one.kind === 'visit' || one.canary === 'gate-ping' ? ['down', 'gate-unreachable', 'gate'] : UP),
    ['gate:authentik'],
  ],
  [
    'the CDN when only its path fails',
    (one) => (on(one, 'cdn') ? ['down', 'cdn-origin-unreachable', 'cdn', 'origin'] : UP),
    ['cdn:cdn'],
  ],
  [
    'the target that fails alone, though its answer points at the proxy',
    (one) => (of(one, 's2') ? ['down', 'proxy-no-backend', 'origin'] : UP),
    ['target:s2.example.com'],
  ],
  [
    'two targets that fail each in its own way',
    (one) =>
      of(one, 's1') ? ['down', 'app-error', 'target'] : of(one, 's3') ? ['down', 'walled-off', 'target'] : UP,
    ['target:s3.example.com', 'target:s1.example.com'],
  ],
];

test.each(cases)('blames %s', (_, shows, blamed) => {
  const diagnosis = diagnose(round(shows));
  const ids: string[] = [diagnosis.blamed, ...diagnosis.alsoBlamed].flatMap((one) =>
    one === null ? [] : [one.id],
  );
  expect(ids.toSorted()).toEqual(blamed.toSorted());
});

describe('acquittal', () => {
  test('tells what works through a component, or that the failure is there without it', () => {
    const { acquitted } = diagnose(
      round((one) => (isFresh(one) ? ['down', 'gate-no-session', 'gate-sessions'] : UP)),
    );
    const evidence = new Map<string, string>(acquitted.map((one) => [one.component.id, one.evidence]));
    expect(evidence.get('cdn:cdn')).toBe('the same failure without it (origin)');
    expect(evidence.get('gate:authentik')).toMatch(/^\d+ checks work through it$/);
    expect(acquitted.every((one) => one.tested)).toBe(true);
    expect(evidence.has('gate-sessions:authentik')).toBe(false);
  });

  test('admits what nothing in the round separates', () => {
    const subjects = SUBJECTS.filter((one) => isFresh(one) && on(one, 'origin') && of(one, 's1'));
    const { blamed, acquitted } = diagnose(
      round(() => ['down', 'gate-no-session', 'gate-sessions'], subjects),
    );
    expect(blamed?.id).toBe('gate-sessions:authentik');
    expect(acquitted.length).toBeGreaterThan(2);
    expect(acquitted.filter((one) => one.tested)).toEqual([]);
  });

  test('never lists a target: they are legion', () => {
    const { acquitted } = diagnose(round((one) => (on(one, 'cdn') ? ['down', 'cdn-error', 'cdn'] : UP)));
    expect(acquitted.filter((one) => one.component.type === 'target')).toEqual([]);
  });
});

test('what is unknown neither blames nor acquits', () => {
  const { blamed, undecided, failing } = diagnose(round(() => ['unknown', 'path-not-taken']));
  expect(blamed).toBeNull();
  expect(failing).toEqual([]);
  expect(undecided).toHaveLength(SUBJECTS.length);
});

test('ends with any mixture of verdicts, and explains every failure', () => {
  const verdicts: Shows[] = [UP, ['down', 'timeout', 'origin'], ['unknown'], ['degraded'], ['down', 'reset']];
  for (let seed = 0; seed < 50; seed++) {
    const { blamed, failing } = diagnose(
      round((one) => verdicts[(seed * 7 + SUBJECTS.indexOf(one) * (seed + 3)) % verdicts.length] ?? UP),
    );
    expect(blamed === null).toBe(failing.length === 0);
  }
});
