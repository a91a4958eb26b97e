// Expansion: once, whole, and never of what it brought.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expand } from '../../../src/config/expand.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';

const OPTIONS = { seed: 20260418, interruptAfterTimeLimit: 8_000, numRuns: 500 };
const plain = fc.string().filter((text) => !text.includes('$'));
const refs = (environment: Record<string, string>) => ({
  environment,
  folder: '/',
  files: new Set<string>(),
  brought: new Map<string, string>(),
});

test('a value is put in as it is, whatever it looks like', () => {
  fc.assert(
    fc.property(plain, fc.string(), plain, (before, value, after) => {
      expect(expand(`${before}\${env:X}${after}`, refs({ X: value }))).toEqual({
        text: before + value + after,
        referred: true,
      });
    }),
    OPTIONS,
  );
});

test('escaping makes any text literal', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const escaped = text.replaceAll('${', '$${');
      fc.pre(!/\$\$\{/.test(text) && !/\$\{[^}]*$/.test(text));
      expect(expand(escaped, refs({}))).toEqual({ text, referred: false });
    }),
    OPTIONS,
  );
});

test('loading never throws anything but ConfigError, and never quotes the text', () => {
  const key = fc.constantFrom(
    'targets',
    'gates',
    'paths',
    'defaults',
    'web',
    'receivers',
    'heartbeat',
    'store',
    'x',
  );
  fc.assert(
    fc.property(fc.dictionary(key, fc.jsonValue()), (value) => {
      try {
        loadConfig({ text: JSON.stringify(value), name: 'x.yaml' }, {});
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as ConfigError).problems.length).toBeGreaterThan(0);
      }
    }),
    OPTIONS,
  );
});
