// What one schema cannot see: names that must exist, names that must be unique, settings that contradict each other.

import type { ExpectOption } from '../discover/target-options.ts';
import { COMPONENT_TYPES } from '../model/component.ts';
import { targetId } from '../model/target.ts';
import { accountFindings } from './account-references.ts';
import { sourceName } from './discover-build.ts';
import { gateFromOption } from './gate-options.ts';
import { isRecord } from './not-built.ts';
import type { Finding } from './problem.ts';
import { declaredNames, type Sections } from './sections.ts';
import { didYouMean } from './similar.ts';

type Raw = Readonly<Record<string, unknown>>;
type KeyPath = readonly (string | number)[];

/** Names declared in the file, also by entries with problems: those are reported once, not as dangling too. */
interface Declared {
  readonly gates: ReadonlySet<string>;
  readonly paths: ReadonlySet<string>;
}

/** Every dangling or contradictory reference. */
export function referenceFindings(raw: Raw, sections: Sections): Finding[] {
  const declared = {
    gates: new Set(declaredNames(raw, 'gates').keys()),
    paths: new Set(declaredNames(raw, 'paths').keys()),
  };
  return [
    ...['gates', 'paths', 'receivers', 'accounts'].flatMap((list) => duplicates(raw, list)),
    ...rawItems(raw, 'gates').flatMap(({ index, item }) =>
      unknownPaths(texts(item['paths']), ['gates', index, 'paths'], declared),
    ),
    ...rawItems(raw, 'targets').flatMap(({ index, item }) => [
      ...unknownGate(item['gate'], ['targets', index, 'gate'], declared),
      ...unknownPaths(texts(item['paths']), ['targets', index, 'paths'], declared),
    ]),
    ...defaultsFindings(sections, declared),
    ...sections.targets.flatMap((entry) => targetFindings(entry, sections, declared)),
    ...duplicateTargets(sections),
    ...duplicateSources(sections),
    ...rawItems(raw, 'discover').flatMap(({ index, item }) =>
      sourceGates(item, ['discover', index], declared),
    ),
    ...checksFindings(raw, declared),
    ...outpostFindings(sections),
    ...receiverFindings(raw),
    ...ruleFindings(raw, sections),
    ...signatureFindings(raw, sections),
    ...maintenanceFindings(sections),
    ...accountFindings(raw, sections),
    ...sections.evidence.flatMap(({ index, option }) =>
      unknownComponent(option.component, ['evidence', index, 'component'], sections),
    ),
  ];
}

/** Entries of a list as written that are maps; also those that have problems of their own. */
function rawItems(raw: Raw, list: string): { index: number; item: Raw }[] {
  const items = raw[list];
  if (!Array.isArray(items)) return [];
  return items.flatMap((item: unknown, index) => (isRecord(item) ? [{ index, item }] : []));
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map((item) => (typeof item === 'string' ? item : '')) : [];
}

function duplicates(raw: Raw, list: string): Finding[] {
  const findings: Finding[] = [];
  for (const indexes of declaredNames(raw, list).values()) {
    for (const index of indexes.slice(1)) {
      findings.push({ path: [list, index, 'name'], message: `is the name of ${list}.${indexes[0]} already` });
    }
  }
  return findings;
}

function unknownPaths(names: readonly string[], at: KeyPath, declared: Declared): Finding[] {
  return names.flatMap((name, index) => {
    if (name === '') return [];
    if (!declared.paths.has(name)) {
      return [{ path: [...at, index], message: `no such path${didYouMean(name, declared.paths)}` }];
    }
    return names.indexOf(name) === index ? [] : [{ path: [...at, index], message: 'names this path twice' }];
  });
}

function unknownGate(name: unknown, at: KeyPath, declared: Declared): Finding[] {
  if (typeof name !== 'string' || declared.gates.has(name)) return [];
  return [{ path: at, message: `no such gate${didYouMean(name, declared.gates)}` }];
}

function defaultsFindings(sections: Sections, declared: Declared): Finding[] {
  const { defaults } = sections;
  if (defaults === null) return [];
  const expectPaths = defaults.expect?.shape === 'by-path' ? Object.keys(defaults.expect.byPath) : [];
  return [
    ...unknownGate(defaults.gate, ['defaults', 'gate'], declared),
    ...unknownPaths(defaults.paths ?? [], ['defaults', 'paths'], declared),
    ...expectPaths
      .filter((name) => !declared.paths.has(name))
      .map((name) => noSuchPathKey(['defaults', 'expect', name], name, declared)),
  ];
}

function noSuchPathKey(path: KeyPath, name: string, declared: Declared): Finding {
  return { path, message: `no such path${didYouMean(name, declared.paths)}`, atKey: true };
}

/** Paths a target without `paths:` is probed over: the configured default, else all but `direct` ones. */
export function defaultPaths(sections: Sections): readonly string[] {
  const { defaults, paths } = sections;
  if (defaults?.paths !== undefined) return defaults.paths;
  const viaSite = paths.filter(({ option }) => option.kind !== 'direct');
  return (viaSite.length > 0 ? viaSite : paths).map(({ option }) => option.name);
}

/** Gate of a target that names none: the configured default, else the only gate, else none. */
export function defaultGate(sections: Sections): string | null {
  const configured = sections.defaults?.gate;
  if (configured !== undefined) return configured;
  return sections.gates.length === 1 ? (sections.gates[0]?.option.name ?? null) : null;
}

function targetFindings(
  entry: Sections['targets'][number],
  sections: Sections,
  declared: Declared,
): Finding[] {
  const { index, option } = entry;
  const at: KeyPath = ['targets', index];
  const paths = option.paths ?? defaultPaths(sections);
  const findings = [...expectFindings(option.expect, paths, at, declared)];
  const gate = option.gate === undefined ? defaultGate(sections) : option.gate;
  if (
    gate === null &&
    sections.defaults !== null && // else it is a consequence of what is wrong there
    (option.gate === null || declared.gates.size !== 1) &&
    expectsLogin(option.expect, sections.defaults?.expect, paths)
  ) {
    findings.push({ path: at, message: 'expects a login, but no gate is in front of it' });
  }
  return findings;
}

function expectFindings(
  expect: ExpectOption | undefined,
  paths: readonly string[],
  at: KeyPath,
  declared: Declared,
): Finding[] {
  if (expect?.shape !== 'by-path') return [];
  return Object.keys(expect.byPath).flatMap((name) => {
    const path = [...at, 'expect', name];
    if (!declared.paths.has(name)) return [noSuchPathKey(path, name, declared)];
    return paths.includes(name)
      ? []
      : [{ path, message: 'the target is not probed over this path', atKey: true }];
  });
}

function expectsLogin(
  entry: ExpectOption | undefined,
  fallback: ExpectOption | undefined,
  paths: readonly string[],
): boolean {
  return paths.some((path) => {
    for (const option of [entry, fallback]) {
      if (option?.shape === 'one') return option.expectation.is === 'login';
      const found = option?.byPath[path];
      if (found !== undefined) return found.is === 'login';
    }
    return true;
  });
}

function duplicateTargets(sections: Sections): Finding[] {
  const first = new Map<string, number>();
  const findings: Finding[] = [];
  for (const { index, option } of sections.targets) {
    const id = targetId(new URL(option.url));
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, index);
    else findings.push({ path: ['targets', index], message: `is the same target as targets.${earlier}` });
  }
  return findings;
}

/** Names tell sources apart, in metrics and for their last good sets. */
function duplicateSources(sections: Sections): Finding[] {
  const first = new Map<string, number>();
  return sections.discover.flatMap(({ index, option }) => {
    const name = sourceName(option);
    const earlier = first.get(name);
    first.set(name, earlier ?? index);
    const message = `is called ${name}, as discover.${earlier} is; give it a name`;
    return earlier === undefined ? [] : [{ path: ['discover', index], message }];
  });
}

/** Gates that a source is told of. */
function sourceGates(item: Raw, at: KeyPath, declared: Declared): Finding[] {
  const maps = ['middlewares', 'entry-points'].flatMap((key) => {
    const map = item[key];
    if (!isRecord(map)) return [];
    return Object.entries(map).flatMap(([name, gate]) => unknownGate(gate, [...at, key, name], declared));
  });
  return [...unknownGate(item['gate'], [...at, 'gate'], declared), ...maps];
}

function checksFindings(raw: Raw, declared: Declared): Finding[] {
  const checks = raw['checks'];
  const known = new Set([...declared.paths, 'cdn', 'origin', 'direct']);
  return ['return', 'session'].flatMap((visit) => {
    const rule = isRecord(checks) ? checks[visit] : null;
    const every = isRecord(rule) ? rule['every'] : null;
    if (!isRecord(every)) return [];
    return Object.keys(every)
      .filter((name) => !known.has(name))
      .map((name) => ({
        path: ['checks', visit, 'every', name],
        message: `no such path or kind of path${didYouMean(name, known)}`,
        atKey: true,
      }));
  });
}

/** Gates that share an outpost share one store: it has one kind and one size. */
function outpostFindings(sections: Sections): Finding[] {
  const first = new Map<string, Sections['gates'][number]>();
  const findings: Finding[] = [];
  for (const entry of sections.gates) {
    const gate = gateFromOption(entry.option, []);
    const earlier = first.get(gate.outpost);
    if (earlier === undefined) {
      first.set(gate.outpost, entry);
      continue;
    }
    const other = gateFromOption(earlier.option, []);
    for (const [key, differs] of [
      ['store', other.sessions.store !== gate.sessions.store],
      [
        'capacity',
        other.sessions.capacityBytes !== gate.sessions.capacityBytes && gate.sessions.store === 'files',
      ],
    ] as const) {
      if (!differs) continue;
      const message = `contradicts gates.${earlier.index}, which has the same outpost and therefore the same store`;
      findings.push({ path: ['gates', entry.index, 'sessions', key], message });
    }
  }
  return findings;
}

function receiverFindings(raw: Raw): Finding[] {
  const names = declaredNames(raw, 'receivers');
  const receivers = Array.isArray(raw['receivers']) ? raw['receivers'] : [];
  const fallbackOf = new Map<unknown, unknown>();
  for (const receiver of receivers)
    if (isRecord(receiver)) fallbackOf.set(receiver['name'], receiver['fallback-for']);
  return receivers.flatMap((receiver: unknown, index) => {
    const primary = isRecord(receiver) ? receiver['fallback-for'] : undefined;
    if (!isRecord(receiver) || typeof primary !== 'string') return [];
    const path = ['receivers', index, 'fallback-for'];
    if (!names.has(primary))
      return [{ path, message: `no such receiver${didYouMean(primary, names.keys())}` }];
    return leadsBack(receiver['name'], fallbackOf) ? [{ path, message: 'is a fallback of itself' }] : [];
  });
}

function leadsBack(name: unknown, fallbackOf: ReadonlyMap<unknown, unknown>): boolean {
  let at = fallbackOf.get(name);
  for (let steps = 0; at !== undefined && steps <= fallbackOf.size; steps += 1) {
    if (at === name) return true;
    at = fallbackOf.get(at);
  }
  return false;
}

/** Alerts by name (DESIGN 5). */
const ALERT_NAMES = [
  'GatewatchSharedFault',
  'GatewatchServiceDown',
  'GatewatchExposed',
  'GatewatchWalledOff',
  'GatewatchDrift',
  'GatewatchCertificateExpiring',
  'GatewatchSessionBudget',
  'GatewatchProber',
  'GatewatchWatchdog',
];

function ruleFindings(raw: Raw, sections: Sections): Finding[] {
  const alerts = raw['alerts'];
  const rules = isRecord(alerts) && Array.isArray(alerts['rules']) ? alerts['rules'] : [];
  return rules.flatMap((rule: unknown, index) => {
    const match = isRecord(rule) ? rule['match'] : null;
    if (!isRecord(match)) return [];
    const at: KeyPath = ['alerts', 'rules', index, 'match'];
    return [
      ...unknownWord(match['alertname'], [...at, 'alertname'], 'no such alert', ALERT_NAMES),
      ...unknownWord(match['component'], [...at, 'component'], 'no such component', [
        ...componentTypes(sections),
        'unmodelled',
      ]),
    ];
  });
}

function signatureFindings(raw: Raw, sections: Sections): Finding[] {
  const signatures = Array.isArray(raw['signatures']) ? raw['signatures'] : [];
  const first = new Map<unknown, number>();
  return signatures.flatMap((signature: unknown, index) => {
    if (!isRecord(signature)) return [];
    const earlier = first.get(signature['id']);
    first.set(signature['id'], earlier ?? index);
    return [
      ...(earlier === undefined
        ? []
        : [{ path: ['signatures', index, 'id'], message: `is the id of signatures.${earlier} already` }]),
      ...unknownWord(
        signature['component'],
        ['signatures', index, 'component'],
        'no such component',
        componentTypes(sections),
      ),
    ];
  });
}

function maintenanceFindings(sections: Sections): Finding[] {
  return sections.maintenance.flatMap(({ index, option }) =>
    (option.component ?? []).flatMap((pattern) =>
      unknownComponent(pattern, ['maintenance', index, 'component'], sections),
    ),
  );
}

/** A component of a type that does not exist is never on any way. */
function unknownComponent(pattern: string, path: KeyPath, sections: Sections): Finding[] {
  const types = componentTypes(sections);
  const [type = ''] = pattern.split(':', 1);
  if (type.includes('*') || (types.includes(type) && pattern.includes(':'))) return [];
  const message = `must be type:name, with a type of ${types.join(', ')}${didYouMean(type, types)}`;
  return [{ path, message }];
}

function componentTypes(sections: Sections): readonly string[] {
  return [...COMPONENT_TYPES, ...(sections.shared ?? [])];
}

function unknownWord(word: unknown, path: KeyPath, what: string, known: readonly string[]): Finding[] {
  if (typeof word !== 'string' || known.includes(word)) return [];
  return [{ path, message: `${what}${didYouMean(word, known)}` }];
}
