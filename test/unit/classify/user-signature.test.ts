// Users' own signatures: their form, and that they are tried first.

import { describe, expect, test } from 'vitest';
import { userSignatureSchema, userSignatureText } from '../../../src/classify/user-signature.ts';
import { canary, check, exchange, handedOver, judge, observation } from './subjects.ts';

const fallback = {
  id: 'gate-fallback',
  when: { status: 401, header: { 'X-Auth-Fallback': 'true' } },
  verdict: 'down',
  component: 'gate',
  'first-check': 'kubectl -n authentik get pods',
};

describe('the form', () => {
  test('is read into nouns', () => {
    expect(userSignatureSchema.parse(fallback)).toEqual({
      id: 'gate-fallback',
      when: {
        status: [401],
        header: { 'x-auth-fallback': 'true' },
        contains: null,
        notContains: null,
        location: null,
      },
      verdict: 'down',
      component: 'gate',
      firstCheck: 'kubectl -n authentik get pods',
    });
  });

  test.each([
    ['no condition', { ...fallback, when: {} }],
    ['an unknown condition', { ...fallback, when: { body: 'x' } }],
    ['an unknown key', { ...fallback, severity: 'critical' }],
    ['the id of a built-in one', { ...fallback, id: 'exposed' }],
    ['a status that is none', { ...fallback, when: { status: 99 } }],
    ['an empty list of statuses', { ...fallback, when: { status: [] } }],
    ['an empty text', { ...fallback, when: { contains: '' } }],
    ['an unknown verdict', { ...fallback, verdict: 'red' }],
    ['a component with spaces', { ...fallback, component: 'the gate' }],
  ])('is refused with %s', (_, entry) => {
    expect(userSignatureSchema.safeParse(entry).success).toBe(false);
  });

  test('has a text with and without a first check', () => {
    const { 'first-check': _, ...bare } = fallback;
    expect(userSignatureText(userSignatureSchema.parse(fallback)).firstCheck).toBe(
      'kubectl -n authentik get pods',
    );
    expect(userSignatureText(userSignatureSchema.parse(bare)).firstCheck).toContain('gate-fallback');
  });
});

describe('a match', () => {
  test.each([
    [{ status: 401 }, true],
    [{ status: [400, 401] }, true],
    [{ status: [400] }, false],
    [{ header: { 'x-auth-fallback': 'tru' } }, true],
    [{ header: { 'x-auth-fallback': 'false' } }, false],
    [{ header: { 'x-other': 'true' } }, false],
    [{ contains: 'Fallback' }, true],
    [{ contains: 'fallback' }, false],
    [{ 'not-contains': 'Fallback' }, false],
    [{ 'not-contains': 'x-y' }, true],
    [{ location: '/down' }, true],
    [{ location: 'down' }, false],
    [{ status: 401, contains: 'nothing' }, false],
  ])('%j: %s', (when, matches) => {
    const signatures = [userSignatureSchema.parse({ ...fallback, when })];
    const answer = exchange({
      status: 401,
      headers: { 'x-auth-fallback': 'true', location: '/down' },
      body: 'Fallback',
    });
    const judgement = judge(check(), observation([answer]), { signatures });
    expect(judgement.signature === 'gate-fallback').toBe(matches);
    if (matches) expect(judgement).toMatchObject({ verdict: 'down', pointsAt: ['gate'] });
  });

  test('comes before the catalogue and before a right answer', () => {
    const signatures = [userSignatureSchema.parse({ ...fallback, when: { status: [302, 400] } })];
    expect(judge(check(), observation([handedOver()]), { signatures }).signature).toBe('gate-fallback');
    expect(judge(check(), observation([exchange({ status: 400 })]), { signatures }).signature).toBe(
      'gate-fallback',
    );
  });

  test('that is called up has no signature', () => {
    const signatures = [userSignatureSchema.parse({ ...fallback, when: { status: 401 }, verdict: 'up' })];
    const judgement = judge(check(), observation([exchange({ status: 401 })]), { signatures });
    expect(judgement).toMatchObject({ verdict: 'up', signature: null, pointsAt: [] });
  });

  test('needs an answer, and is none of a control', () => {
    const signatures = [userSignatureSchema.parse({ ...fallback, when: { 'not-contains': 'x' } })];
    const silent = exchange({
      status: null,
      error: { phase: 'connect', code: 'connect-refused', message: '' },
    });
    expect(judge(check(), observation([silent]), { signatures }).signature).toBe('connect-refused');
    const control = canary('control', { url: 'https://www.debian.org/', path: null });
    expect(judge(control, observation([exchange()]), { signatures }).verdict).toBe('up');
  });
});
