// From the text of gatewatch.yaml to a Config, or to all its problems at once (DESIGN 6). Start, reload and `validate`
// come through this one door.

import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { readRegularFile } from '../base/regular-file.ts';
import { buildConfig } from './build.ts';
import type { Config } from './config.ts';
import { LARGEST_CONFIGURATION, type ParsedDocument, parseConfiguration } from './document.ts';
import type { References } from './expand.ts';
import { isRecord, withoutNotBuilt } from './not-built.ts';
import { ConfigError, type Finding, type Problem } from './problem.ts';
import { referenceFindings } from './references.ts';
import { secretsIn } from './secrets.ts';
import { parseSections } from './sections.ts';
import { warningsOf } from './warnings.ts';

/** Problems shown at most. */
const MOST_PROBLEMS = 100;

/** A file to read, or a text with the name to show and the folder (default: the current one) for relative files. */
export type ConfigSource =
  | { readonly file: string }
  | { readonly text: string; readonly name: string; readonly folder?: string };

export interface Loaded {
  readonly config: Config;
  /** Legal but doubtful values, in order of the file. */
  readonly warnings: readonly Problem[];
  /** Absolute names of all files that were read, for watching. */
  readonly files: readonly string[];
  /** Environment variables that were referred to. */
  readonly variables: readonly string[];
  /** Every secret text in the configuration, for taking it out of what a crash says. */
  readonly secrets: readonly string[];
  /** SHA-256 of the text and of what its references brought, hex. */
  readonly hash: string;
}

/** Loads and checks a configuration; throws ConfigError with every problem found. */
export function loadConfig(
  source: ConfigSource,
  environment: Readonly<Record<string, string | undefined>>,
): Loaded {
  const named = 'file' in source;
  const name = named ? source.file : source.name;
  const folder = named ? dirname(resolve(source.file)) : (source.folder ?? process.cwd());
  const files = new Set(named ? [resolve(source.file)] : []);
  const references: References = { environment, folder, files, brought: new Map() };
  const { text, writable } = named ? readConfiguration(source.file) : { text: source.text, writable: null };
  const document = parseConfiguration(text, name, references);
  if (document.value === null || !isRecord(document.value)) {
    const empty: Problem = { file: name, line: 1, column: 1, path: '', message: 'must be a map of keys' };
    throw new ConfigError(document.problems.length > 0 ? document.problems : [empty], [...files]);
  }
  const built = withoutNotBuilt(document.value);
  const findings: Finding[] = [...built.findings];
  const sections = parseSections(built.value, findings);
  findings.push(...referenceFindings(built.value, sections));
  const config = buildConfig(sections, references, findings);
  const problems = inOrder([...document.problems, ...located(findings, document)]);
  if (config === null || problems.length > 0) throw new ConfigError(problems, [...files]);
  const warnings = located(warningsOf(config, built.value, document.isReferred), document);
  return {
    config,
    warnings: inOrder([...(writable === null ? [] : [writable]), ...warnings]),
    files: [...files],
    variables: [...references.brought.keys()].flatMap((key) =>
      key.startsWith('env:') ? [key.slice(4)] : [],
    ),
    secrets: [...new Set([...references.brought.values(), ...secretsIn(config)])],
    hash: createHash('sha256').update(JSON.stringify(document.value)).digest('hex'),
  };
}

/** The first findings with their places; looking up a place takes time, and nobody reads thousands. */
function located(findings: readonly Finding[], document: ParsedDocument): Problem[] {
  const shown = findings.slice(0, MOST_PROBLEMS).map(document.locate);
  const last = shown.at(-1);
  if (last === undefined || findings.length === shown.length) return shown;
  return [...shown, { ...last, path: '', message: `and ${findings.length - shown.length} more problems` }];
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** Text of the file; missing, empty, too large, not UTF-8 or open to everybody is a problem of its own (threats P4-P8). */
function readConfiguration(file: string): { text: string; writable: Problem | null } {
  const problem = (message: string): Problem => ({ file, line: 1, column: 1, path: '', message });
  const fail = (message: string): never => {
    throw new ConfigError([problem(message)], [resolve(file)]);
  };
  const read = readRegularFile(file, LARGEST_CONFIGURATION + 1);
  if ('why' in read)
    return fail(read.why === 'not-regular' ? 'is not a regular file' : `cannot be read (${read.why})`);
  const { bytes, status } = read;
  if (bytes.length > LARGEST_CONFIGURATION) return fail('is larger than 1 MiB');
  if (bytes.length === 0) return fail('is empty');
  const everybody = (status.mode & 0o002) !== 0;
  if (everybody && process.getuid?.() === 0) return fail('can be written by everybody; chmod o-w it');
  const writable = everybody ? problem('can be written by everybody: whoever may log in here decides') : null;
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), writable };
  } catch {
    return fail('is not UTF-8');
  }
}
