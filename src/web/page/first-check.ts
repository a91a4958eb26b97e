// First checks of the catalogue, made concrete for one check. They end in a shell, so only harmless values are
// filled in; any other placeholder stays readable as `<name>` (threats O3).

import type { CheckStatus, Snapshot } from '../../model/snapshot.ts';

/** What a value may consist of (DESIGN 10, Text). */
const HARMLESS = /^[A-Za-z0-9._:/@-]+$/;

/** The instruction of a signature with what is known of the check filled in. */
export function fillFirstCheck(template: string, check: CheckStatus, snapshot: Snapshot): string {
  const target = snapshot.targets.find((each) => each.id === check.target);
  const gate = target?.gate ?? null;
  const outpost = snapshot.gates.find(({ gates }) => gate !== null && gates.includes(gate))?.outpost ?? null;
  const values: Readonly<Record<string, string | null>> = {
    target: target?.id ?? null,
    host: target === undefined ? null : new URL(target.url).hostname,
    zone: target?.zone ?? null,
    path: check.path,
    gate,
    outpost,
  };
  return template.replace(/\{(target|host|gate|outpost|path|zone)\}/g, (_whole, name: string) => {
    const value = values[name] ?? null;
    return value !== null && HARMLESS.test(value) ? value : `<${name}>`;
  });
}
