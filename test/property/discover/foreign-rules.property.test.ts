// Foreign rules and patterns: whatever they are, reading them ends, and what is read is within what was written.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { literalPathname, literalUrlPrefix } from '../../../src/discover/literal-pattern.ts';
import { readRule } from '../../../src/discover/traefik-rule.ts';

const LIMIT = { interruptAfterTimeLimit: 5_000, numRuns: 2_000 };

const host = fc.stringMatching(/^[a-z]{1,8}\.example\.com$/);
const path = fc.stringMatching(/^\/[a-z]{0,6}$/);
const atom = fc.oneof(
  host.map((name) => `Host(\`${name}\`)`),
  fc.tuple(host, host).map(([one, other]) => `Host("${one}", "${other}")`),
  path.map((name) => `PathPrefix(\`${name}\`)`),
  path.map((name) => `Path(\`${name}\`)`),
  fc.constant('Method(`POST`)'),
);
const rule = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc.tuple(tie('node'), fc.constantFrom('&&', '||'), tie('node')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('node').map((node) => `!${node}`),
  ),
})).node;

test('any text is read or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'Host(`a.x`)&|!", PathRegexp\\') })),
      (text) => {
        const { ways, problem } = readRule(text);
        expect(ways === null).toBe(problem !== null);
      },
    ),
    LIMIT,
  );
});

test('every rule of the grammar is read, and its ways name hosts and paths of the rule alone', () => {
  fc.assert(
    fc.property(rule, (text) => {
      const { ways, problem } = readRule(text);
      expect([null, 'the rule has too many alternatives', 'the rule is nested too deeply']).toContain(
        problem,
      );
      for (const way of ways ?? []) {
        if (way.host !== null) expect(text).toContain(way.host);
        expect(way.pathname === '/' || text.includes(way.pathname)).toBe(true);
        expect(way.excluded.every((prefix) => !way.pathname.startsWith(prefix))).toBe(true);
      }
    }),
    LIMIT,
  );
});

test('a rule and its double negation are the same', () => {
  fc.assert(
    fc.property(rule, (text) => {
      const once = readRule(text);
      const thrice = readRule(`!(!(${text}))`);
      if (once.ways !== null && thrice.ways !== null) expect(thrice.ways).toEqual(once.ways);
    }),
    LIMIT,
  );
});

test('a pathname that is read from a pattern is matched by the pattern', () => {
  const piece = fc.constantFrom(
    '/',
    'a',
    '-',
    '\\.',
    '.',
    '.*',
    '(',
    ')',
    '$',
    '^',
    '?',
    '+',
    '|',
    '[a]',
    '\\d',
    '{2}',
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }).map((all) => all.join('')),
      (pattern) => {
        const read = literalPathname(pattern);
        literalUrlPrefix(pattern);
        // Short patterns of few pieces: they cannot backtrack for long.
        if (read !== null) expect(new RegExp(pattern).test(read.pathname)).toBe(true);
      },
    ),
    LIMIT,
  );
});
