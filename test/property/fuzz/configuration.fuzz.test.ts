// The loader on what is left of a good file after accidents: structured changes and broken bytes. It gives a
// configuration or a ConfigError, in time, and never the value that was wrong.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';
import { expectCleanPrototypes, hostile, hostileKey, timeBox } from '../../support/fuzz.ts';
import { leaksIn, marker } from '../../support/markers.ts';

const EXAMPLE = readFileSync(new URL('../../../config/example.yaml', import.meta.url), 'utf8');
const SECRET = marker('value in a wrong place');
/** A case may take this long on a busy machine. */
const CASE_MS = 20_000;

afterEach(expectCleanPrototypes);

/** What is said about a file that is not taken; null when it is. Anything but a ConfigError fails. */
function refusal(text: string): ConfigError | null {
  const from = performance.now();
  try {
    loadConfig({ text, name: 'x.yaml', folder: '/nowhere' }, { TOKEN: SECRET.value });
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  } finally {
    expect(performance.now() - from).toBeLessThan(CASE_MS);
  }
}

function isInside(text: string, error: ConfigError): void {
  const lines = text.split('\n').length;
  for (const { line, column, message } of error.problems) {
    expect(line >= 1 && line <= lines + 1 && column >= 1).toBe(true);
    expect(message).not.toBe('');
  }
}

const value = fc.oneof(
  fc.constant(SECRET.value),
  fc.constant([SECRET.value]),
  fc.constant({ [SECRET.value]: 1 }),
  fc.constant({ a: SECRET.value }),
  fc.constant('${env:TOKEN}'),
  fc.constant(`\${env:${SECRET.value}}`),
  fc.constantFrom<unknown>(null, true, -1, 0, 1e308, Number.NaN, '', [], {}, '0s', '-5m', '400d', '1e9GiB'),
  hostile,
  fc.jsonValue({ maxDepth: 3 }),
);

/** Where (a walk by turns), what happens there, with what. */
const change = fc.record({
  turns: fc.array(fc.nat(50), { maxLength: 6 }),
  act: fc.constantFrom('replace', 'delete', 'rename', 'wrap', 'repeat'),
  key: fc.oneof(fc.constant(SECRET.value), fc.constant(`password: ${SECRET.value}`), hostileKey),
  value,
});

function changed(
  root: unknown,
  changes: readonly (typeof change extends fc.Arbitrary<infer T> ? T : never)[],
): unknown {
  const top = { root };
  for (const { turns, act, key, value: put } of changes) {
    let holder: Record<string, unknown> = top;
    let at = 'root';
    for (const turn of turns) {
      const inside = holder[at];
      if (typeof inside !== 'object' || inside === null) break;
      const keys = Object.keys(inside);
      if (keys.length === 0) break;
      holder = inside as Record<string, unknown>;
      at = keys[turn % keys.length]!;
    }
    if (act === 'replace') holder[at] = put;
    else if (act === 'wrap') holder[at] = [holder[at]];
    else if (act === 'repeat') holder[at] = [holder[at], structuredClone(holder[at])];
    else if (holder !== top) {
      if (act === 'rename')
        Object.defineProperty(holder, key, {
          value: holder[at],
          enumerable: true,
          configurable: true,
          writable: true,
        });
      delete holder[at];
    }
  }
  return top.root;
}

test('a file with wrong parts is refused in words that tell no value', () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const text = stringify(changed(parse(EXAMPLE), changes));
      const error = refusal(text);
      if (error === null) return;
      refused += 1;
      isInside(text, error);
      expect(leaksIn(Buffer.from(error.message), [SECRET])).toEqual([]);
      expect(error.message).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }),
    timeBox(8_000),
  );
  expect(refused).toBeGreaterThan(10);
});

test('a file with broken bytes is refused, or is still one', () => {
  const accident = fc.record({
    at: fc.nat(EXAMPLE.length),
    cut: fc.oneof(fc.nat(3), fc.nat(EXAMPLE.length)),
    put: fc.oneof(
      hostile,
      fc.constantFrom('{', '[', '"', '\t', ': ', '- ', '&a ', '*a', '!!binary ', '|\n', '---\n', '\0'),
    ),
  });
  fc.assert(
    fc.property(fc.array(accident, { minLength: 1, maxLength: 5 }), (accidents) => {
      let text = EXAMPLE;
      for (const { at, cut, put } of accidents)
        text = text.slice(0, at) + put.slice(0, 400) + text.slice(at + cut);
      const error = refusal(text);
      if (error !== null) isInside(text, error);
    }),
    timeBox(6_000),
  );
});
