// The configuration that an import writes: complete and loadable, with what a person must decide as comments.

import { stringify } from 'yaml';
import { formatDuration } from '../base/duration.ts';
import { type Imported, type ImportedPage, type LeftOut, oneLine, usable } from './imported.ts';

/** Intervals from here on are kept: whoever asks seldom has a reason, ms. */
const SELDOM_SECONDS = 300;
const LONGEST_TEXT = 1_024;

/** The login gate in front of the pages, where it was named. */
export interface ImportGate {
  readonly url: string;
}

/** Text of gatewatch.yaml; `leftOut` is everything that is not in it. Without pages it is none that loads. */
export function writtenConfiguration(
  imported: Imported,
  gate: ImportGate | null,
): { readonly text: string; readonly count: number; readonly leftOut: readonly LeftOut[] } {
  const { targets, leftOut: refused } = usable(imported.pages);
  const leftOut = [...imported.leftOut, ...refused];
  const entries = targets.map(({ page, option }) => {
    const { lines, left } = targetLines(page, option.url, gate);
    leftOut.push(...left.map((why) => ({ name: page.name, why })));
    return lines;
  });
  const text = [
    `# Made by gatewatch import from ${imported.tool}: ${targets.length} pages.`,
    '# See what probing them will cost, and what is doubtful, with: gatewatch validate --config FILE',
    '',
    ...(gate === null ? NO_GATE : gateLines(gate)),
    '',
    ...PATHS,
    '',
    `defaults: { ${gate === null ? 'expect: app' : 'gate: login, expect: login'}, paths: [direct] }`,
    '',
    'targets:',
    ...entries.flat(),
    '',
    ...CONTROL,
    ...(leftOut.length === 0 ? [] : ['', '# Not carried over:', ...leftOut.map(leftOutLine)]),
    '',
  ].join('\n');
  return { text, count: targets.length, leftOut };
}

const NO_GATE = [
  '# A login gate in front of your services is the first thing to name: then a stranger must be handed over to it, and',
  '# `expect: login` becomes the default (or import again with --gate URL).',
  '# gates:',
  '#   - { name: login, kind: authentik, url: https://auth.example.com }',
];

function gateLines({ url }: ImportGate): string[] {
  return [
    '# kind: authentik, oauth2-proxy, authelia or oidc. sessions: says how many strangers its store has room for.',
    'gates:',
    `  - { name: login, kind: authentik, url: ${inline(url)} }`,
  ];
}

const PATHS = [
  '# By DNS, wherever it leads. A CDN in front? Then probe through it and past it, and both can be told apart:',
  '#   - { name: cdn, kind: cdn }',
  '#   - { name: origin, kind: origin, address: "203.0.113.10:443" }',
  'paths:',
  '  - { name: direct, kind: direct }',
];

const CONTROL = [
  '# Pages outside your site: while they fail too, your own uplink is to blame.',
  'control: [https://www.debian.org, https://www.kernel.org]',
];

function leftOutLine({ name, why }: LeftOut): string {
  return `#   ${oneLine(name)}: ${why}`;
}

function targetLines(
  page: ImportedPage,
  url: string,
  gate: ImportGate | null,
): { readonly lines: readonly string[]; readonly left: readonly string[] } {
  const isProvider = gate !== null && URL.parse(gate.url)?.host === URL.parse(url)?.host;
  const isGated = gate !== null && !isProvider;
  const conditions = isGated ? {} : conditionsOf(page);
  const left =
    isGated && Object.keys(conditionsOf(page)).length > 0
      ? ['its keyword or statuses: a stranger sees the login, not the page']
      : [];
  const lines = [
    ...(page.name === '' ? [] : [`  # ${oneLine(page.name)}`]),
    `  - url: ${inline(url)}`,
    ...expectLines(conditions, isProvider),
    ...(page.intervalSeconds >= SELDOM_SECONDS
      ? [`    every: ${formatDuration(page.intervalSeconds * 1000)}`]
      : []),
    ...(page.slowMs === null ? [] : [`    slow: ${page.slowMs}ms`]),
  ];
  return { lines, left };
}

function expectLines(conditions: Readonly<Record<string, unknown>>, isProvider: boolean): string[] {
  if (Object.keys(conditions).length > 0) return [`    expect: ${inline({ is: 'app', ...conditions })}`];
  return isProvider ? ['    expect: app'] : [];
}

function conditionsOf({ contains, notContains, statuses }: ImportedPage): Record<string, unknown> {
  const isText = (text: string | null): boolean => text !== null && text.length <= LONGEST_TEXT;
  return {
    ...(statuses.length > 0 ? { status: [...new Set(statuses)] } : {}),
    ...(isText(contains) ? { contains } : {}),
    ...(isText(notContains) ? { 'not-contains': notContains } : {}),
  };
}

/** A value on one line; what looks like a reference of ours stays text. */
function inline(value: unknown): string {
  const text = stringify(value, {
    collectionStyle: 'flow',
    lineWidth: 0,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
  });
  return text
    .trim()
    .replaceAll('${', () => '$${')
    .replaceAll('\n', ' ');
}
