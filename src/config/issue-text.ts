// zod's issues as findings of ours: one message for each, in our words, without the value.

import type { z } from 'zod';
import type { Finding } from './problem.ts';
import { didYouMean } from './similar.ts';

type Issue = z.core.$ZodIssue;

/** The value that was checked: looked at only to tell what is missing from what is wrong. */
interface Checked {
  readonly base: readonly (string | number)[];
  readonly schema: z.ZodType;
  readonly value: unknown;
}

/** Findings of the issues of one value that is found at `base`. */
export function findingsOf(issues: readonly Issue[], checked: Checked): Finding[] {
  return issues.flatMap((issue) => findingsOfIssue(issue, checked));
}

function findingsOfIssue(issue: Issue, { base, schema, value }: Checked): Finding[] {
  const path = [...base, ...issue.path.map((key) => (typeof key === 'symbol' ? '?' : key))];
  const inner = valueAt(value, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key${didYouMean(key, known)}`,
      atKey: true,
    }));
  }
  if (inner === undefined && issue.code !== 'custom') return [{ path, message: 'is required' }];
  if (issue.code === 'invalid_union') {
    const forms = allowedForms(issue.errors);
    if (forms !== null) return [{ path, message: forms }];
    const branch = likeliestBranch(issue.errors);
    if (branch !== null) {
      const branchSchema = unionBranch(schema, issue.path, branch.index);
      return findingsOf(branch.issues, { base: path, schema: branchSchema, value: inner });
    }
  }
  if (issue.code === 'invalid_key') {
    const first = issue.issues[0];
    return [{ path, message: first === undefined ? 'is no allowed key' : messageOf(first), atKey: true }];
  }
  return [{ path, message: messageOf(issue) }];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

/** `must be "auto" or a rate …` when the value is of the wrong type for every branch; else null. */
function allowedForms(branches: readonly (readonly Issue[])[]): string | null {
  const forms = new Set<string>();
  for (const [issue, ...more] of branches) {
    if (issue === undefined || more.length > 0 || issue.path.length > 0) return null;
    if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return null;
    forms.add(messageOf(issue).replace(/^must be /, ''));
  }
  return forms.size === 0 ? null : `must be ${[...forms].join(' or ')}`;
}

/**
 * The branch of a union that was most likely meant: the right type first, then without unknown keys, then with
 * the fewest issues. Null when there are none (an unknown discriminator), or all branches have the wrong type.
 */
function likeliestBranch(
  branches: readonly (readonly Issue[])[],
): { index: number; issues: readonly Issue[] } | null {
  let best: { index: number; issues: readonly Issue[]; score: number } | null = null;
  for (const [index, issues] of branches.entries()) {
    const score = branchScore(issues);
    if (best === null || score < best.score) best = { index, issues, score };
  }
  return best;
}

function branchScore(issues: readonly Issue[]): number {
  let score = 0;
  for (const issue of issues) {
    if (issue.path.length === 0 && issue.code === 'invalid_type') score += 1000;
    else if (issue.path.length === 0 && issue.code === 'invalid_value') score += 500;
    else if (issue.path.length === 0 && issue.code === 'unrecognized_keys') score += 100;
    else score += 1;
  }
  return score;
}

/** Our words for one issue. */
function messageOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return customOr(issue, `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`);
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return customOr(issue, `${sizeWord(issue.origin)} at least ${issue.minimum}`);
    case 'too_big':
      return customOr(issue, `${sizeWord(issue.origin)} at most ${issue.maximum}`);
    case 'invalid_union':
      return 'discriminator' in issue && issue.discriminator !== undefined
        ? 'is of no known kind'
        : customOr(issue, 'is none of the allowed forms');
    case 'invalid_format':
      return customOr(issue, `is not a valid ${issue.format}`);
    default:
      return customOr(issue, 'is not allowed');
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
  null: 'null',
};

function customOr(issue: Issue, fallback: string): string {
  return /^(Invalid|Too|Unrecognized|Expected)/.test(issue.message) || issue.message === ''
    ? fallback
    : issue.message;
}

function sizeWord(origin: string): string {
  if (origin === 'array' || origin === 'set') return 'must have entries:';
  return origin === 'string' ? 'must be a text of length' : 'must be';
}

interface Inside {
  readonly def?: {
    readonly shape?: Readonly<Record<string, z.ZodType>>;
    readonly element?: z.ZodType;
    readonly valueType?: z.ZodType;
    readonly options?: readonly z.ZodType[];
    readonly innerType?: z.ZodType;
    readonly in?: z.ZodType;
    readonly out?: z.ZodType;
  };
}

/** Keys of the object schema at a path; of all branches where a union is on the way. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  return schemasAt(schema, path).flatMap((found) => Object.keys((found as Inside).def?.shape ?? {}));
}

function unionBranch(schema: z.ZodType, path: readonly PropertyKey[], index: number): z.ZodType {
  for (const found of schemasAt(schema, path, false)) {
    const branch = (found as Inside).def?.options?.[index];
    if (branch !== undefined) return branch;
  }
  return schema;
}

function schemasAt(schema: z.ZodType, path: readonly PropertyKey[], openUnions = true): z.ZodType[] {
  let found = unwrap(schema, openUnions);
  for (const key of path) {
    found = found.flatMap((one) => step(one, key)).flatMap((one) => unwrap(one, openUnions));
  }
  return found;
}

function step(schema: z.ZodType, key: PropertyKey): z.ZodType[] {
  const def = (schema as Inside).def;
  const next = typeof key === 'number' ? def?.element : (def?.shape?.[String(key)] ?? def?.valueType);
  return next === undefined ? [] : [next];
}

/** Takes defaults, pipes and transforms off, and opens unions. */
function unwrap(schema: z.ZodType, openUnions: boolean): z.ZodType[] {
  const def = (schema as Inside).def;
  if (def?.innerType !== undefined) return unwrap(def.innerType, openUnions);
  // z.preprocess has the schema behind, .transform() before the pipe.
  if (def?.in !== undefined)
    return [def.in, def.out].flatMap((side) => (side === undefined ? [] : unwrap(side, openUnions)));
  if (openUnions && def?.options !== undefined) return def.options.flatMap((option) => unwrap(option, true));
  return [schema];
}
