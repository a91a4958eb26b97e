// zod schemas for the configuration's own words: durations, sizes, rates, names, URLs. Option schemas of all rooms
// are built from these, so that one kind of value is written and refused the same way everywhere.
// Messages name the kind of what is wrong, never the value: it may be a secret (threats P3).

import { z } from 'zod';
import { LONGEST_DURATION_MS, parseDuration, parseRate, parseSize } from './duration.ts';

/** Shortest duration a configuration may name, in milliseconds (threats X20). */
const SHORTEST_DURATION_MS = 100;
/** Longest URL, in characters; longer ones are refused by most servers. */
const LONGEST_URL = 2_048;
/** Threats, section 6. */
const MOST_LABELS = 16;
const LONGEST_LABEL = 128;

/** Text of a duration (`90s`, `1h30m`) as whole milliseconds, `minMs` (default 100 ms) to `maxMs` (default 400 d). */
export function duration(limits: { minMs?: number; maxMs?: number } = {}): z.ZodType<number, string> {
  const { minMs = SHORTEST_DURATION_MS, maxMs = LONGEST_DURATION_MS } = limits;
  return parsed(parseDuration, 'a duration such as 90s, 5m or 7d', { min: minMs, max: maxMs });
}

/** Text of a size (`64MiB`, `2GiB`) as bytes, at least `minBytes` (default 1). */
export function size(limits: { minBytes?: number } = {}): z.ZodType<number, string> {
  return parsed(parseSize, 'a size such as 64MiB or 2GiB', {
    min: limits.minBytes ?? 1,
    max: Number.MAX_SAFE_INTEGER,
  });
}

/** Text of a rate (`20000/day`, `6/m`) as events a millisecond, above 0. */
export function rate(): z.ZodType<number, string> {
  return parsed(parseRate, 'a rate such as 20000/day or 6/m', { min: Number.MIN_VALUE, max: 1000 });
}

/** http or https URL without a fragment and without credentials, as written. */
export function httpUrl(): z.ZodType<string, string> {
  return z
    .string()
    .max(LONGEST_URL)
    .refine(isHttpUrl, { error: 'must be an http or https URL' })
    .refine((text) => !hasCredentials(text), { error: 'must not carry a user name or password' });
}

/** Name of something configured: letters, digits, `.`, `_` and `-`, at most 63. */
export function name(): z.ZodType<string, string> {
  return z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, {
    error: 'must be a name of letters, digits, ".", "_" and "-"',
  });
}

/** A flow of a browser: the name of one that ships, or a file. */
export function flowName(): z.ZodType<string, string> {
  return z.string().min(1).max(1024).describe('a flow that ships, or a file');
}

/** Labels as Prometheus takes them, at most 16 (threats, section 6). */
export function labels(): z.ZodType<Record<string, string>, Record<string, string>> {
  return z.record(labelName(), labelValue()).refine((all) => Object.keys(all).length <= MOST_LABELS, {
    error: `must have at most ${MOST_LABELS} labels`,
  });
}

/** Name of a label; those that begin with two underscores are Prometheus' own. */
export function labelName(): z.ZodType<string, string> {
  return z
    .string()
    .max(LONGEST_LABEL)
    .regex(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/, { error: 'must be a label name: letters, digits and "_"' });
}

/** Value of a label: one line of at most 128 characters. */
export function labelValue(): z.ZodType<string, string> {
  const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
  return z
    .string()
    .max(LONGEST_LABEL)
    .refine((text) => !controls.test(text) && text.isWellFormed(), {
      error: 'must be one line without control characters',
    });
}

/** One value or a list of them, always a list afterwards. */
export function oneOrMany<Out, In>(item: z.ZodType<Out, In>): z.ZodType<Out[], In | In[]> {
  return z.union([item.transform((value) => [value]), z.array(item)]);
}

function parsed(
  parse: (text: string) => number | null,
  what: string,
  limits: { min: number; max: number },
): z.ZodType<number, string> {
  return z.string({ error: `must be ${what}` }).transform((text, context) => {
    const value = parse(text);
    if (value !== null && value >= limits.min && value <= limits.max) return value;
    const problem = value === null ? `must be ${what}` : 'is out of range';
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  });
}

function isHttpUrl(text: string): boolean {
  // The parser of URLs drops line breaks and tabs without a word; what is shown as written must not have them.
  if (/[\u0000-\u0020\u007f-\u00a0\u2028\u2029]/.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hash === '';
}

function hasCredentials(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.username !== '' || url.password !== '');
}
