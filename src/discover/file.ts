// Source `file`: Prometheus' file_sd files, JSON or YAML, read again when one changes. The last segment of a name may
// have `*`. One file that cannot be read makes the whole doubtful: half a list would be taken for the truth.

import { readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { watchFiles } from '../base/file-watch.ts';
import { inTime } from '../base/in-time.ts';
import { readRegularFile } from '../base/regular-file.ts';
import { oneOrMany } from '../base/schema.ts';
import { type Discoverer, DiscoveryError, type Listing } from './discoverer.ts';
import { sourceKeys } from './source-options.ts';
import { listingFromGroups } from './target-group.ts';

/** Largest JSON and YAML file, in bytes (threats, section 6: YAML parsers need minutes for a megabyte of garbage). */
const LARGEST_JSON_FILE = 1024 * 1024;
const LARGEST_YAML_FILE = 256 * 1024;
const MOST_FILES = 256;
const YAML_MS = 10_000;
const MOST_ALIASES = 100;

const fileNameSchema = z
  .string()
  .max(1024)
  .regex(/^[^\0]*\.(json|ya?ml)$/, { error: 'must be the name of a .json, .yml or .yaml file' })
  .refine((file) => !dirname(file).includes('*'), { error: 'may have "*" in its last part alone' });

export const fileSchema = z.strictObject({
  kind: z.literal('file'),
  ...sourceKeys,
  files: oneOrMany(fileNameSchema),
});

/** Lists the groups of all files; `folder` is where relative names begin. */
export function createFileSource(
  { files }: z.output<typeof fileSchema>,
  tools: { readonly source: string; readonly folder: string; readonly clock: Clock },
): Discoverer {
  const { source, clock } = tools;
  const patterns = files.map((file) => resolve(tools.folder, file));
  const list = (): Listing => listFiles(patterns, source);
  return {
    view: 'list',
    list: async () => list(),
    watch: (push, signal) =>
      new Promise((done, fail) => {
        const set = { folders: patterns.map(dirname), list: () => patterns.flatMap((one) => filesOf(one)) };
        const tell = (): void => {
          try {
            push(list());
          } catch (error) {
            fail(error);
            stop();
          }
        };
        const watcher = watchFiles(set, clock, tell);
        const stop = (): void => {
          watcher[Symbol.dispose]();
          signal.removeEventListener('abort', stop);
          done();
        };
        signal.addEventListener('abort', stop);
        if (signal.aborted) stop();
        else tell();
      }),
    async [Symbol.asyncDispose]() {},
  };
}

function listFiles(patterns: readonly string[], source: string): Listing {
  const files = [...new Set(patterns.flatMap((pattern) => filesOf(pattern)))].sort();
  if (files.length > MOST_FILES) throw new DiscoveryError(source, `has more than ${MOST_FILES} files`);
  const listings = files.map((file) => listingFromGroups(contentOf(file, source), source, basename(file)));
  return {
    found: listings.flatMap(({ found }) => found),
    notes: listings.flatMap(({ notes }) => notes),
  };
}

/** Files that a name or pattern stands for now; a name without `*` also when there is no such file. */
function filesOf(pattern: string): string[] {
  const last = basename(pattern);
  if (!last.includes('*')) return [pattern];
  const [head = '', ...tail] = last.split('*');
  try {
    return readdirSync(dirname(pattern))
      .filter(
        (name) => !name.startsWith('.') && name.startsWith(head) && hasInOrder(name.slice(head.length), tail),
      )
      .map((name) => join(dirname(pattern), name));
  } catch {
    return []; // a folder that appears later is seen then
  }
}

/** Whether the parts follow one another in the text, and the last one ends it. */
function hasInOrder(text: string, parts: readonly string[]): boolean {
  let from = 0;
  for (const part of parts.slice(0, -1)) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return text.slice(from).endsWith(parts.at(-1) ?? '');
}

function contentOf(file: string, source: string): unknown {
  const isJson = file.endsWith('.json');
  const limit = isJson ? LARGEST_JSON_FILE : LARGEST_YAML_FILE;
  const fail = (why: string): never => {
    throw new DiscoveryError(source, `${basename(file)}: ${why}`);
  };
  const read = readRegularFile(file, limit + 1);
  if ('why' in read) return fail(`cannot be read (${read.why})`);
  if (read.bytes.length > limit) return fail(`is larger than ${limit / 1024} KiB`);
  const text = read.bytes.toString();
  try {
    if (isJson) return JSON.parse(text);
  } catch {
    return fail('is not JSON'); // the parser's message quotes the text
  }
  const parsed = inTime(
    () => parse(text, { maxAliasCount: MOST_ALIASES, logLevel: 'error', schema: 'core' }),
    YAML_MS,
  );
  return 'value' in parsed ? parsed.value : fail('is not YAML');
}
