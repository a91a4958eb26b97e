// From the text of gatewatch.yaml to a Config, or to all its problems at once (DESIGN 6). Start, reload and `validate`
// come through this one door.

import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { buildConfig } from './build.ts';
import type { Config } from './config.ts';
import { LARGEST_CONFIGURATION, parseConfiguration } from './document.ts';
import { errorCode, type References, readUpTo } from './expand.ts';
import { isRecord, withoutNotBuilt } from './not-built.ts';
import { ConfigError, type Finding, type Problem } from './problem.ts';
import { referenceFindings } from './references.ts';
import { parseSections } from './sections.ts';
import { warningsOf } from './warnings.ts';

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
  const text = named ? readConfiguration(source.file) : source.text;
  const folder = named ? dirname(resolve(source.file)) : (source.folder ?? process.cwd());
  const references: References = { environment, folder, files: new Set(named ? [resolve(source.file)] : []) };
  const document = parseConfiguration(text, name, references);
  if (document.value === null || !isRecord(document.value)) {
    const empty: Problem = { file: name, line: 1, column: 1, path: '', message: 'must be a map of keys' };
    throw new ConfigError(document.problems.length > 0 ? document.problems : [empty]);
  }
  const built = withoutNotBuilt(document.value);
  const findings: Finding[] = [...built.findings];
  const sections = parseSections(built.value, findings);
  findings.push(...referenceFindings(built.value, sections));
  const config = buildConfig(sections, references, findings);
  const problems = [...document.problems, ...findings.map(document.locate)];
  if (config === null || problems.length > 0) throw new ConfigError(inOrder(problems));
  return {
    config,
    warnings: inOrder(warningsOf(config, built.value, document.isReferred).map(document.locate)),
    files: [...references.files],
    hash: createHash('sha256').update(JSON.stringify(document.value)).digest('hex'),
  };
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** Text of the file; missing, empty, too large or not UTF-8 is a problem of its own (threats P4-P6). */
function readConfiguration(file: string): string {
  const fail = (message: string): never => {
    throw new ConfigError([{ file, line: 1, column: 1, path: '', message }]);
  };
  const bytes = readBytes(file, fail);
  if (bytes.length > LARGEST_CONFIGURATION) return fail('is larger than 1 MiB');
  if (bytes.length === 0) return fail('is empty');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fail('is not UTF-8');
  }
}

function readBytes(file: string, fail: (message: string) => never): Buffer {
  let handle: number;
  try {
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return fail(`cannot be read (${errorCode(error)})`);
  }
  try {
    if (!fstatSync(handle).isFile()) return fail('is not a regular file');
    return readUpTo(handle, LARGEST_CONFIGURATION + 1);
  } finally {
    closeSync(handle);
  }
}
