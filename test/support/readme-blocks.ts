// The fenced blocks of README.md, and a value set at a key path: what the tests of the documentation share.

import { readFileSync } from 'node:fs';
import { README_FILE } from '../readme-tables.ts';

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Line of the README that the block begins at. */
  readonly line: number;
}

export const README: string = readFileSync(README_FILE, 'utf8');

/** Blocks of a language, in order. */
export function blocksOf(language: string): Block[] {
  const found = [...README.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1] ?? '',
    text: match[2] ?? '',
    line: README.slice(0, match.index).split('\n').length,
  }));
  return found.filter((block) => block.language === language);
}

/** YAML blocks whose first line is that comment, such as `# gatewatch.yaml`. */
export function yamlBlocks(kind: string): Block[] {
  return blocksOf('yaml').filter((block) => block.text.startsWith(`# ${kind}\n`));
}

/** A copy of the value with something set at `gates[].sessions.lifetime`; `[]` is the first entry of a list. */
export function withKey(value: unknown, path: string, set: unknown): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  const steps = path.replaceAll('[]', '.0').split('.');
  let at: Record<string, unknown> = copy;
  for (const step of steps.slice(0, -1)) {
    at[step] ??= {};
    at = at[step] as Record<string, unknown>;
  }
  at[steps.at(-1) ?? ''] = set;
  return copy;
}
