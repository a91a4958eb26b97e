// The YAML text as a document with positions: limits, unique keys, and references expanded in place (threats P2-P4).

import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { inTime } from '../base/in-time.ts';
import { expand, type References } from './expand.ts';
import { type Finding, type Problem, shownPath } from './problem.ts';

/** Largest configuration, in bytes (threats P4). */
export const LARGEST_CONFIGURATION = 1024 * 1024;
const DEEPEST = 32;
const MOST_ALIASES = 100;
/**
 * Time for the parser, which needs minutes for a megabyte of garbage (threats M12), while 5,000 targets (0.8 MB) take
 * 4 s on a small machine that has nothing else to do.
 */
const PARSE_MS = 3_000;
const PARSE_MS_PER_BYTE = 30_000 / LARGEST_CONFIGURATION;
/** Problems of syntax reported at most: behind the first few they are consequences. */
const MOST_SYNTAX_PROBLEMS = 5;

/** Key path of a value. */
export type KeyPath = readonly (string | number)[];

export interface ParsedDocument {
  /** Plain values, references expanded; null when the text is not usable. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Adds the place to a finding. */
  locate(finding: Finding): Problem;
  /** Whether the value came, at least partly, from a reference. */
  isReferred(path: KeyPath): boolean;
}

/** Reads YAML within `limitMs`; everything that is wrong is in `problems`, nothing throws. */
export function parseConfiguration(
  text: string,
  file: string,
  references: References,
  limitMs: number = PARSE_MS + PARSE_MS_PER_BYTE * text.length,
): ParsedDocument {
  const counter = new LineCounter();
  const parsed = parseInTime(text, counter, limitMs);
  const document = 'document' in parsed ? parsed.document : null;
  const problemAt = (offset: number, path: string, message: string): Problem => {
    const { line, col } = counter.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), path, message };
  };
  const problems: Problem[] = [];
  if ('problem' in parsed) problems.push({ file, line: 1, column: 1, path: '', message: parsed.problem });
  else problems.push(...syntaxProblems(parsed.document, problemAt), ...depthProblems(parsed, problemAt));
  const referred = new Set<unknown>();
  const locate = (finding: Finding): Problem =>
    problemAt(offsetOf(document, finding), shownPath(finding.path), finding.message);
  if (document === null || problems.length > 0) {
    return { value: null, problems, locate, isReferred: () => false };
  }
  problems.push(...expandScalars(document, references, referred).map(locate));
  return {
    value: plainValue(document, problems, problemAt),
    problems,
    locate,
    isReferred: (path) => referred.has(nodeAt(document, path)),
  };
}

type ProblemAt = (offset: number, path: string, message: string) => Problem;

interface Parsed {
  readonly document: Document;
  /** Offset of the first node that is too deep, or null. */
  readonly tooDeepAt: number | null;
}

/** Parses within a time. */
function parseInTime(
  text: string,
  lineCounter: LineCounter,
  limitMs: number,
): Parsed | { readonly problem: string } {
  const parsed = inTime((): Parsed => {
    const document = parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      uniqueKeys: true,
      strict: true,
      logLevel: 'error',
    });
    return { document, tooDeepAt: firstTooDeep(document) };
  }, limitMs);
  if ('value' in parsed) return parsed.value;
  if ('lack' in parsed) return { problem: `cannot be read (${parsed.lack})` };
  if (parsed.why === 'late') return { problem: 'takes too long to read: this is no configuration' };
  return { problem: 'cannot be read: nested too deeply, or too much of the same' }; // the parser ran out of stack
}

// The library's messages may name tags and anchors but, without prettyErrors, never quote the line.
function syntaxProblems(document: Document, problemAt: ProblemAt): Problem[] {
  const seen = new Set<number>();
  const first = [...document.errors, ...document.warnings].filter((error) => {
    const isNew = !seen.has(error.pos[0]);
    seen.add(error.pos[0]);
    return isNew;
  });
  return first.slice(0, MOST_SYNTAX_PROBLEMS).map((error) => {
    const message =
      SYNTAX_MESSAGES[error.code] ?? `is not valid YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`;
    return problemAt(error.pos[0], '', message);
  });
}

const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'has this key twice',
  TAG_RESOLVE_FAILED: 'has a tag, which is not allowed',
  MULTIPLE_DOCS: 'has more than one document',
  TAB_AS_INDENT: 'is indented with a tab; use spaces',
  BAD_INDENT: 'is not valid YAML: the indentation does not fit',
  BLOCK_AS_IMPLICIT_KEY: 'is not valid YAML: the indentation does not fit',
  MULTILINE_IMPLICIT_KEY: 'is not valid YAML: a key without its value',
};

function depthProblems({ tooDeepAt }: Parsed, problemAt: ProblemAt): Problem[] {
  return tooDeepAt === null ? [] : [problemAt(tooDeepAt, '', `is nested more than ${DEEPEST} levels deep`)];
}

function firstTooDeep(document: Document): number | null {
  let offset: number | null = null;
  visit(document, {
    Node(_key, node, ancestors) {
      if (!isCollection(node) || ancestors.filter(isCollection).length < DEEPEST) return undefined;
      offset = node.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

/** Expands every string value (not keys) in place; scalars that had a reference are added to `referred`. */
function expandScalars(document: Document, references: References, referred: Set<unknown>): Finding[] {
  const findings: Finding[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return;
      const expanded = expand(node.value, references);
      if ('problem' in expanded) {
        findings.push({ path: pathOf(ancestors, key), message: expanded.problem });
        return;
      }
      node.value = expanded.text;
      if (expanded.referred) referred.add(node);
    },
  });
  return findings;
}

function pathOf(ancestors: readonly unknown[], key: unknown): KeyPath {
  const path: (string | number)[] = [];
  for (let at = 0; at < ancestors.length; at += 1) {
    const node = ancestors[at];
    const next = ancestors[at + 1];
    if (isPair(node)) path.push(isScalar(node.key) ? String(node.key.value) : '?');
    else if (isSeq(node)) path.push(next === undefined ? Number(key) : node.items.indexOf(next));
  }
  return path;
}

function plainValue(document: Document, problems: Problem[], problemAt: ProblemAt): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch {
    problems.push(problemAt(0, '', 'uses aliases too often, or in a circle'));
    return null;
  }
}

function nodeAt(document: Document, path: KeyPath): unknown {
  let node: unknown = document.contents;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node) || isSeq(node)) node = node.get(key, true);
    else return undefined;
  }
  return node;
}

/** Offset of the value, of its key, or of the nearest thing around it that exists. */
function offsetOf(document: Document | null, finding: Finding): number {
  if (document === null) return 0;
  for (let length = finding.path.length; length >= 0; length -= 1) {
    const path = finding.path.slice(0, length);
    const whole = length === finding.path.length;
    const range = rangeOf(whole && finding.atKey === true ? keyNode(document, path) : nodeAt(document, path));
    if (range !== null) return range;
  }
  return 0;
}

function keyNode(document: Document, path: KeyPath): unknown {
  const parent = nodeAt(document, path.slice(0, -1));
  const last = String(path.at(-1));
  if (!isMap(parent)) return undefined;
  return (parent as YAMLMap).items.find((pair) => isScalar(pair.key) && String(pair.key.value) === last)?.key;
}

function rangeOf(node: unknown): number | null {
  const range = (node as Node | null | undefined)?.range;
  return range === null || range === undefined ? null : range[0];
}
