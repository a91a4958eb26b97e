// The parsed sections of a file, each checked for itself: a bad one becomes findings, and the others go on, so that
// all problems are reported at once.

import { findingsOf } from './issue-text.ts';
import { isRecord, LATER_KEYS } from './not-built.ts';
import type { Finding } from './problem.ts';
import {
  configSchema,
  type Item,
  type ItemKey,
  itemSchemas,
  type Section,
  type SectionKey,
  sectionSchemas,
} from './schema.ts';
import { didYouMean } from './similar.ts';

/** Targets in all (threats, section 6); other lists are far shorter. */
const MOST_ENTRIES = 5_000;

/** A good entry of a list, with its index in the file. */
export interface Entry<Option> {
  readonly index: number;
  readonly option: Option;
}

/** What parsed; null for a section that has problems. */
export type Sections = { readonly [Key in SectionKey]: Section<Key> | null } & {
  readonly [Key in ItemKey]: readonly Entry<Item<Key>>[];
};

/** Parses every section of the file's map. */
export function parseSections(value: Readonly<Record<string, unknown>>, findings: Finding[]): Sections {
  findings.push(...unknownKeys(value));
  for (const key of requiredLists(value)) {
    const list = value[key];
    if (list === undefined || list === null) findings.push({ path: [key], message: 'is required' });
    else if (Array.isArray(list) && list.length === 0)
      findings.push({ path: [key], message: 'must have entries' });
  }
  const section = <Key extends SectionKey>(key: Key): Section<Key> | null => {
    const parsed = sectionSchemas[key].safeParse(value[key] ?? undefined);
    if (parsed.success) return parsed.data as Section<Key>;
    findings.push(
      ...findingsOf(parsed.error.issues, { base: [key], schema: sectionSchemas[key], value: value[key] }),
    );
    return null;
  };
  const list = <Key extends ItemKey>(key: Key): readonly Entry<Item<Key>>[] =>
    parseList(key, value[key], findings);
  return {
    vantage: section('vantage'),
    gates: list('gates'),
    paths: list('paths'),
    defaults: section('defaults'),
    zones: section('zones'),
    targets: list('targets'),
    discover: list('discover'),
    baseline: section('baseline'),
    control: section('control'),
    checks: section('checks'),
    browser: section('browser'),
    canaries: section('canaries'),
    shared: section('shared'),
    signatures: list('signatures'),
    maintenance: list('maintenance'),
    accounts: list('accounts'),
    evidence: list('evidence'),
    alerts: section('alerts'),
    watchdog: section('watchdog'),
    heartbeat: section('heartbeat'),
    receivers: list('receivers'),
    store: section('store'),
    web: section('web'),
    tls: section('tls'),
    log: section('log'),
  };
}

/** With sources the static list may be left out, or be empty. */
function requiredLists(value: Readonly<Record<string, unknown>>): readonly ItemKey[] {
  const { discover } = value;
  return Array.isArray(discover) && discover.length > 0 ? ['paths'] : ['paths', 'targets'];
}

function unknownKeys(value: Readonly<Record<string, unknown>>): Finding[] {
  const known = [...Object.keys(configSchema.shape), ...LATER_KEYS];
  return Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: [key], message: `unknown key${didYouMean(key, known)}`, atKey: true }));
}

/** Good entries; an `undefined` one was reported before and is passed over. */
function parseList<Key extends ItemKey>(key: Key, value: unknown, findings: Finding[]): Entry<Item<Key>>[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    findings.push({ path: [key], message: 'must be a list' });
    return [];
  }
  if (value.length > MOST_ENTRIES) {
    findings.push({ path: [key], message: `must have at most ${MOST_ENTRIES} entries` });
    return [];
  }
  const entries: Entry<Item<Key>>[] = [];
  for (const [index, item] of value.entries()) {
    if (item === undefined) continue;
    const parsed = itemSchemas[key].safeParse(item);
    if (parsed.success) entries.push({ index, option: parsed.data as Item<Key> });
    else
      findings.push(
        ...findingsOf(parsed.error.issues, { base: [key, index], schema: itemSchemas[key], value: item }),
      );
  }
  return entries;
}

/** Text values of one key over the entries of a list as written, also of entries that have problems. */
export function declaredNames(
  value: Readonly<Record<string, unknown>>,
  list: string,
): ReadonlyMap<string, readonly number[]> {
  const names = new Map<string, number[]>();
  const items = value[list];
  for (const [index, item] of (Array.isArray(items) ? items : []).entries()) {
    const name = isRecord(item) ? item['name'] : undefined;
    if (typeof name === 'string') names.set(name, [...(names.get(name) ?? []), index]);
  }
  return names;
}
