// The generated tables of README.md, each between two markers. `npm run docs` rewrites them; a test fails while the
// file is not current. Everything here comes from what the program itself uses.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUE as SIGNATURES } from '../src/classify/catalogue.ts';
import { jsonSchemaText } from '../src/config/json-schema.ts';
import { FAULTS } from '../src/demo/faults.ts';
import { CATALOGUE as METRICS, type MetricText } from '../src/metrics/catalogue.ts';
import { KEY_MEANINGS } from './support/key-meanings.ts';

export const REPOSITORY = join(import.meta.dirname, '..');
export const README_FILE = join(REPOSITORY, 'README.md');

/** The parts of JSON Schema that zod writes for us. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** A key of the configuration, as the schema has it. */
export interface Key {
  /** `gates[].sessions.lifetime` */
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
}

/** Every key of gatewatch.yaml, in the order of the schema. */
export function configurationKeys(): Key[] {
  const keys = new Map<string, Key>();
  collect(JSON.parse(jsonSchemaText()) as Schema, '', keys);
  return [...keys.values()];
}

// An entry that may also be written as a plain text, or that has several kinds, is a union: all of its maps count.
function collect(schema: Schema, at: string, keys: Map<string, Key>): void {
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms !== undefined) {
    for (const form of forms) collect(form, at, keys);
    return;
  }
  if (schema.items !== undefined) collect(schema.items, `${at}[]`, keys);
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const path = at === '' ? name : `${at}.${name}`;
    const required =
      schema.required?.includes(name) === true && schema.properties?.[name]?.default === undefined;
    if (!keys.has(path)) keys.set(path, { path, schema: child, required });
    collect(child, path, keys);
  }
}

function configurationTables(): string {
  const groups = Map.groupBy(configurationKeys(), ({ path }) => path.split(/[.[]/)[0] ?? '');
  const alone = [...groups].filter(([, keys]) => keys.length === 1).flatMap(([, keys]) => keys);
  const tables = [...groups].filter(([, keys]) => keys.length > 1);
  return [
    ...tables.map(([name, keys]) => `#### \`${name}\`\n\n${keyTable(keys)}`),
    `#### Single keys\n\n${keyTable(alone)}`,
  ].join('\n\n');
}

function keyTable(keys: readonly Key[]): string {
  return table(
    ['key', 'type', 'default', 'meaning'],
    keys.map((key) => [
      code(key.path),
      typeOf(key),
      defaultOf(key),
      KEY_MEANINGS[key.path]?.meaning ?? '(no meaning is written down)',
    ]),
  );
}

function typeOf({ path, schema }: Key): string {
  const written = KEY_MEANINGS[path]?.type;
  if (written !== undefined) return written;
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  return String(schema.type ?? 'any');
}

function defaultOf({ path, schema, required }: Key): string {
  const written = KEY_MEANINGS[path];
  if (written?.otherwise !== undefined) return written.otherwise;
  if (written?.default !== undefined) return code(written.default);
  if (required) return 'required';
  const value = schema.default;
  return value === undefined || value === null || typeof value === 'object' ? '–' : code(String(value));
}

/** Names of the commands as the program lists them, in its order, with what they do. */
export function commandOverview(): { name: string; summary: string }[] {
  return help()
    .split('\n')
    .flatMap((line) => {
      const [, name, summary] = /^ {2}(\S+) {2,}(\S.*)$/.exec(line) ?? [];
      return name === undefined || summary === undefined ? [] : [{ name, summary }];
    });
}

function commandTable(): string {
  return table(
    ['command', 'what it does'],
    commandOverview().map(({ name, summary }) => {
      const usage = /^usage: gatewatch (.*)$/m.exec(help(name))?.[1] ?? name;
      return [code(usage), summary];
    }),
  );
}

/** What `--help` prints; asked once. */
function help(command?: string): string {
  const known = HELP.get(command);
  if (known !== undefined) return known;
  const args = [join(REPOSITORY, 'src/main.ts'), ...(command === undefined ? [] : [command]), '--help'];
  const text = execFileSync(process.execPath, args, { encoding: 'utf8' });
  HELP.set(command, text);
  return text;
}

const HELP = new Map<string | undefined, string>();

function metricTable(): string {
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    Object.entries<MetricText>(METRICS).map(([name, { type, labels, help }]) => [
      code(name),
      type,
      labels.map(code).join(', '),
      help,
    ]),
  );
}

function signatureTable(): string {
  return table(
    ['signature', 'points at', 'what it means', 'first check'],
    SIGNATURES.map(({ id, pointsAt, meaning, firstCheck }) => [
      code(id),
      pointsAt.join(', '),
      meaning,
      code(firstCheck),
    ]),
  );
}

function faultTable(): string {
  return table(
    ['fault', 'what breaks'],
    FAULTS.map(({ id, description }) => [code(id), description]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const code = (text: string): string => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``);

const TABLES: Readonly<Record<string, () => string>> = {
  configuration: configurationTables,
  commands: commandTable,
  faults: faultTable,
  metrics: metricTable,
  signatures: signatureTable,
};

/** The README with every table made anew; throws when a marker is missing. */
export function withTables(readme: string): string {
  let text = readme;
  for (const [name, make] of Object.entries(TABLES)) {
    const [begin, end] = [`<!-- table: ${name} -->`, `<!-- /table: ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`README.md has no place for the table ${name}`);
    text = `${text.slice(0, from + begin.length)}\n${make()}\n${text.slice(to)}`;
  }
  return text;
}

if (import.meta.main) writeFileSync(README_FILE, withTables(readFileSync(README_FILE, 'utf8')));
