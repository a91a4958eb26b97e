// The golden cases: every signature has a recorded answer, and every answer has exactly one signature.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CATALOGUE, claims, type Layer } from '../../../src/classify/catalogue.ts';
import { createScene } from '../../../src/classify/scene.ts';
import { parseCase } from './case-file.ts';
import { gatesOfSubject, judge, NOW, PATHS } from './subjects.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/signatures');
const cases = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.case'))
  .map((file) => ({ file, ...parseCase(readFileSync(join(FOLDER, file), 'utf8')) }));

describe('golden cases', () => {
  test.each(cases)('$file', ({ subject, seen, knowledge, expected }) => {
    const judgement = judge(subject, seen, { knowledge });
    const got: Record<string, string> = {
      verdict: judgement.verdict,
      signature: judgement.signature ?? 'none',
      'points-at': judgement.pointsAt.join(', ') || 'none',
      'sessions-seen': String(judgement.sessionsSeen),
      reason: judgement.reason,
      'cookie-lost': judgement.cookieLost ? 'yes' : 'no',
    };
    const wanted = Object.fromEntries([...expected].filter(([key]) => key !== 'hides'));
    expect(Object.keys(wanted)).toEqual(expect.arrayContaining(['verdict', 'signature', 'points-at']));
    expect(Object.fromEntries(Object.keys(wanted).map((key) => [key, got[key]])), judgement.reason).toEqual(
      wanted,
    );
  });

  test.each(cases)('$file is claimed by no other signature', ({ subject, seen, knowledge, expected }) => {
    const scene = createScene(subject, seen, {
      gates: gatesOfSubject(subject),
      paths: PATHS,
      knowledge,
      now: NOW,
    });
    const canary = subject.kind === 'canary' ? subject.canary : null;
    const transportOnly = canary === 'control' || canary === 'dns' || canary === 'tls';
    const layers: readonly Layer[] = transportOnly ? ['transport'] : ['transport', 'answer'];
    const claiming = layers
      .flatMap((layer) => [...claims(scene, layer)])
      .map(({ text }) => text.id as string);
    const own = expected.get('hides') ?? expected.get('signature');
    expect(claiming.filter((id) => id !== own)).toEqual([]);
  });

  test('there is a case for every signature of the catalogue', () => {
    const shown = new Set(cases.map(({ expected }) => expected.get('signature')));
    expect(CATALOGUE.map((text) => text.id as string).filter((id) => !shown.has(id))).toEqual([]);
    expect(cases.length).toBeGreaterThan(CATALOGUE.length);
  });
});
