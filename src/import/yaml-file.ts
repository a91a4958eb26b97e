// A foreign YAML file: bounded in size and in the time its parser may take.

import { parse } from 'yaml';
import { inTime } from '../base/in-time.ts';
import { readRegularFile } from '../base/regular-file.ts';
import { ImportError } from './imported.ts';

/** Largest file, in bytes, and longest time to read its text. */
const LARGEST_FILE = 1024 * 1024;
const YAML_MS = 20_000;

/** The file as YAML has it; throws ImportError without a word of its content. */
export function readYaml(file: string): unknown {
  const read = readRegularFile(file, LARGEST_FILE + 1);
  if ('why' in read) throw new ImportError(`cannot be read (${read.why})`);
  if (read.bytes.length > LARGEST_FILE) throw new ImportError('is larger than 1 MiB');
  const text = read.bytes.toString();
  const parsed = inTime(
    () => parse(text, { maxAliasCount: 100, logLevel: 'error', schema: 'core', merge: true }),
    YAML_MS,
  );
  if (!('value' in parsed)) throw new ImportError('is not YAML');
  return parsed.value;
}
