// References in string values: ${env:NAME} and ${file:/path} are replaced once, `$${` stays a literal `${`; what a
// reference brings is never expanded again (threats P2).

import { isAbsolute, resolve } from 'node:path';
import { readRegularFile } from '../base/regular-file.ts';

/** Largest file a reference may name, in bytes (threats P2). */
const LARGEST_FILE = 64 * 1024;

const REFERENCE = /\$(\$)?\{([^}]*)\}/g;

/** What expansion needs from outside. */
export interface References {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder that relative files are below: that of the configuration. */
  readonly folder: string;
  /** Files asked for so far, absolute, also those that could not be read; added to. */
  readonly files: Set<string>;
  /** What references brought, by the variable's name or the file; added to. Secrets, most of them. */
  readonly brought: Map<string, string>;
}

export type Expanded = { readonly text: string; readonly referred: boolean } | { readonly problem: string };

/** The text with its references replaced, or why one cannot be. */
export function expand(text: string, references: References): Expanded {
  let problem: string | null = null;
  let referred = false;
  const expanded = text.replace(REFERENCE, (whole, escaped: string | undefined, body: string) => {
    if (escaped !== undefined) return whole.slice(1);
    referred = true;
    const value = lookUp(body, references);
    if ('text' in value) return value.text;
    problem ??= value.problem;
    return '';
  });
  return problem === null ? { text: expanded, referred } : { problem };
}

function lookUp(body: string, references: References): { text: string } | { problem: string } {
  const [, kind, rest] = /^(env|file):(.+)$/s.exec(body) ?? [];
  if (rest === undefined)
    return {
      problem: 'has a reference that is neither ${env:NAME} nor ${file:/path}; write $${ for a literal ${',
    };
  if (kind === 'file') {
    const read = readNamedFile(rest, references);
    if ('text' in read) references.brought.set(`file:${rest}`, read.text);
    return read;
  }
  const value = Object.hasOwn(references.environment, rest) ? references.environment[rest] : undefined;
  if (value === undefined)
    return { problem: `refers to the environment variable ${shownName(rest)}, which is not set` };
  references.brought.set(`env:${rest}`, value);
  return { text: value };
}

/**
 * Text of a small regular UTF-8 file without one trailing newline, or why it cannot be used. Opened without
 * blocking, so that a FIFO does not hang the start.
 */
export function readNamedFile(
  file: string,
  references: References,
  limit: number = LARGEST_FILE,
): { text: string } | { problem: string } {
  const path = isAbsolute(file) ? file : resolve(references.folder, file);
  const shown = shownName(file);
  // Also when it cannot be read: when it appears, the configuration is worth another look.
  references.files.add(path);
  const read = readRegularFile(path, limit + 1);
  if ('bytes' in read) return textOf(read.bytes, shown, limit);
  return read.why === 'not-regular'
    ? { problem: `refers to ${shown}, which is not a regular file` }
    : { problem: `refers to the file ${shown}, which cannot be read (${read.why})` };
}

function textOf(bytes: Buffer, shown: string, limit: number): { text: string } | { problem: string } {
  if (bytes.length > limit)
    return { problem: `refers to the file ${shown}, which is larger than ${limit / 1024} KiB` };
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      .decode(bytes)
      .replace(/\r?\n$/, '');
    return text.includes('\0')
      ? { problem: `refers to the file ${shown}, which holds a NUL byte` }
      : { text };
  } catch {
    return { problem: `refers to the file ${shown}, which is not UTF-8` };
  }
}

// Names of variables and files are not secret, but a slip of the pen may put one there: only name-like text is shown.
function shownName(name: string): string {
  return /^[A-Za-z0-9_./ -]{1,100}$/.test(name) ? name : '(unusual name)';
}
