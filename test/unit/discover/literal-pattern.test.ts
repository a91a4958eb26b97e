import { expect, test } from 'vitest';
import { literalPrefix, literalText, literalUrlPrefix } from '../../../src/discover/literal-pattern.ts';

test.each([
  ['^/hooks', { pathname: '/hooks', exact: false }],
  ['^/hooks/.*', { pathname: '/hooks/', exact: false }],
  ['^/hooks/(.*)$', { pathname: '/hooks/', exact: false }],
  ['^/hooks(/|$)(.*)', { pathname: '/hooks', exact: false }],
  ['^/healthz$', { pathname: '/healthz', exact: true }],
  ['^\\/api\\/v1\\.0\\-beta$', { pathname: '/api/v1.0-beta', exact: true }],
  ['^/a.*/b', null],
  ['^/(a|b)', null],
  ['^/ab*', null],
  ['^/v\\d+', null],
  ['^/a{2}', null],
  ['^/a|^/b', null],
  ['/hooks', null],
  ['^hooks', null],
  ['', null],
  [`^/${'a'.repeat(2_000)}`, null],
])('reads %s as a beginning of pathnames', (pattern, expected) => {
  expect(literalPrefix(pattern)).toEqual(expected);
});

test('reads a pattern over URLs', () => {
  expect(literalUrlPrefix('^https://a\\.x/hooks/.*')).toEqual({
    host: 'a.x',
    pathname: '/hooks/',
    exact: false,
  });
  expect(literalUrlPrefix('^https://.*/hooks')).toBeNull();
  expect(literalUrlPrefix('^/hooks')).toBeNull();
});

test('reads a pattern that is one text', () => {
  expect(literalText('^a\\.x$')).toBe('a.x');
  expect(literalText('^a.x$')).toBeNull();
  expect(literalText('a\\.x')).toBeNull();
});

test('costs nothing on a pattern made to backtrack', () => {
  const from = performance.now();
  for (const pattern of ['^(a+)+$', `^/${'(a+)+'.repeat(200)}$`, `^${'.*'.repeat(500)}x$`])
    literalPrefix(pattern);
  expect(performance.now() - from).toBeLessThan(200);
});
