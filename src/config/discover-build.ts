// What `discover:` and `baseline:` make: sources with their names, what claims are measured by, and the lock file.

import { resolve } from 'node:path';
import { readRegularFile } from '../base/regular-file.ts';
import { type Baseline, parseBaseline } from '../discover/baseline.ts';
import type { NamedSource } from '../discover/discovery.ts';
import type { KnownGate } from '../discover/gate-recognition.ts';
import type { MergeSetting } from '../discover/merge.ts';
import type { TargetDefaults } from '../discover/static.ts';
import type { References } from './expand.ts';
import type { Finding } from './problem.ts';
import type { Sections } from './sections.ts';

/** Largest lock file, in bytes: 5,000 targets have a third of that. */
const LARGEST_BASELINE = 1024 * 1024;

/** Labels that alerts are known by (DESIGN 5); no source may set them. */
const ALERT_LABELS = [
  'alertname',
  'severity',
  'component',
  'name',
  'target',
  'fault',
  'certificate',
  'gate',
  'vantage',
  'reason',
];

export interface DiscoverConfig {
  readonly sources: readonly NamedSource[];
  readonly setting: MergeSetting;
  readonly gates: readonly KnownGate[];
  /** Where relative file names of sources begin. */
  readonly folder: string;
  /** Name of the lock file, absolute; null when none is configured. */
  readonly baselineFile: string | null;
  /** What it holds; empty before the first `gatewatch accept`, null when none is configured. */
  readonly baseline: Baseline | null;
  /** The lock file is configured, and there is none yet. */
  readonly isBaselineMissing: boolean;
}

/** Name of an entry: its own, else its kind. */
export function sourceName(option: { readonly kind: string; readonly name?: string | undefined }): string {
  return option.name ?? option.kind;
}

/** The parts of a configuration that discovery works by; a bad lock file is added to `findings`. */
export function discoverFrom(
  sections: Sections,
  defaults: TargetDefaults,
  references: References,
  findings: Finding[],
): DiscoverConfig {
  const { alerts, zones } = sections;
  const named = sections.baseline === null || sections.baseline === '' ? null : sections.baseline;
  const file = named === null ? null : resolve(references.folder, named);
  const read = file === null ? null : readBaseline(file, references, findings);
  return {
    sources: sections.discover.map(({ option }) => ({ name: sourceName(option), option })),
    setting: {
      defaults,
      zones: zones ?? [],
      gates: sections.gates.map(({ option }) => option.name),
      paths: sections.paths.map(({ option }) => option.name),
      reserved: new Set([...ALERT_LABELS, ...Object.keys(alerts?.labels ?? {})]),
    },
    gates: sections.gates.map(({ option }) => ({ name: option.name, forwardAuth: option['forward-auth'] })),
    folder: references.folder,
    baselineFile: file,
    baseline: file === null ? null : (read ?? new Map()),
    isBaselineMissing: file !== null && read === null,
  };
}

/** Null where there is no file yet: `gatewatch accept` makes it, and then it is read. */
function readBaseline(file: string, references: References, findings: Finding[]): Baseline | null {
  references.files.add(file);
  const read = readRegularFile(file, LARGEST_BASELINE + 1);
  const fail = (message: string): null => {
    findings.push({ path: ['baseline'], message });
    return null;
  };
  if ('why' in read) return read.why === 'ENOENT' ? null : fail(`cannot be read (${read.why})`);
  if (read.bytes.length > LARGEST_BASELINE) return fail('is larger than 1 MiB');
  const parsed = parseBaseline(read.bytes.toString());
  return 'problem' in parsed ? fail(parsed.problem) : parsed;
}
