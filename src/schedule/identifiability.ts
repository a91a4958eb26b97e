// Which components no check tells apart, and what would (DESIGN 3, Canaries). Two components with exactly the same
// checks always look equally guilty.

import type { Subject } from '../model/check.ts';
import { COMPONENT_TYPES, type Component, componentFromId } from '../model/component.ts';

/** Components with identical checks. */
export interface Inseparable {
  /** Two or more, in the order of the way. */
  readonly components: readonly Component[];
  /** What to configure so that they differ, a full sentence without its period. */
  readonly advice: string;
}

/** Classes of components that cannot be told apart; targets and hosts are left out, being no shared layers. */
export function inseparable(subjects: readonly Subject[]): Inseparable[] {
  const checks = new Map<string, Subject[]>();
  for (const subject of subjects) {
    for (const { component, strength } of subject.links) {
      // A soft dependence is told apart by what its failures look like.
      if (strength < 1 || component.startsWith('target:') || component.startsWith('host:')) continue;
      const known = checks.get(component);
      if (known === undefined) checks.set(component, [subject]);
      else known.push(subject);
    }
  }
  const classes = Map.groupBy(checks.keys(), (id) =>
    (checks.get(id) ?? []).map((subject) => subject.id).join('\n'),
  );
  return [...classes.values()]
    .filter((ids) => ids.length > 1)
    .map((ids) => {
      const components = ids.map(componentFromId);
      return { components, advice: adviceFor(components) };
    });
}

/** What separates a component from its neighbours, by its type; the first of the class that has advice wins. */
const ADVICE: readonly (readonly [type: string, advice: string])[] = [
  ['vantage', 'a control (`control:`) would separate the vantage from the rest'],
  [
    'cdn',
    'an origin path for these targets, or a public target for the canary `cdn-trace`, would separate the CDN',
  ],
  [
    'gate-sessions',
    '`return` visits would separate the sessions from the gate: the gate needs a cookie that is kept',
  ],
  ['gate', 'the canary `gate-ping`, or a public target behind the same proxy, would separate the gate'],
  ['idp', 'a path of its own for the gate (`gates[].paths`) would separate the identity provider'],
  [
    'certificate',
    'the canary `no-route`, or a target with another certificate, would separate the certificate',
  ],
  ['resolver', 'a second zone, or a path with another resolver, would separate the resolver from the zone'],
  ['dns', 'a path without DNS (kind origin) would separate the zone'],
];

const KNOWN: ReadonlySet<string> = new Set(COMPONENT_TYPES);

function adviceFor(components: readonly Component[]): string {
  const types = new Set(components.map((component) => component.type));
  const found = ADVICE.find(([type]) => types.has(type));
  if (found !== undefined) return found[1];
  const labels = components.filter(({ type }) => !KNOWN.has(type)).length;
  if (labels === components.length)
    return 'a target with one of these labels and not the other would separate them';
  return 'a target that uses only one of them would separate them';
}

/** The class as one line: `dns:a.com and resolver:1.1.1.1:53 cannot be told apart; …`. */
export function inseparableText(found: Inseparable): string {
  const names = found.components.map((component) => component.id);
  const last = names.at(-1) ?? '';
  return `${names.slice(0, -1).join(', ')} and ${last} cannot be told apart; ${found.advice}`;
}
