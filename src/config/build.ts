// The finished nouns of the parsed sections. Also reads the PEM files they name, which is the last thing that can be
// wrong.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { staticTarget, type TargetDefaults } from '../discover/static.ts';
import { plainExpectation } from '../discover/target-options.ts';
import type { NetworkPath } from '../model/network-path.ts';
import { accountFromOption } from './account-options.ts';
import { accountGate } from './account-references.ts';
import type { Config } from './config.ts';
import { discoverFrom } from './discover-build.ts';
import { type References, readNamedFile } from './expand.ts';
import { withFlowFiles } from './flow-files.ts';
import { gateFromOption } from './gate-options.ts';
import { type PathOption, pathFromOption } from './path-options.ts';
import type { Finding } from './problem.ts';
import { defaultGate, defaultPaths } from './references.ts';
import type { Sections } from './sections.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_SLOW_MS = 5_000;
/** Largest PEM file, in bytes: a distribution's bundle of roots has a quarter of that. */
const LARGEST_PEM = 1024 * 1024;

/** The configuration, or null when a section is missing; what is wrong with files is added to `findings`. */
export function buildConfig(sections: Sections, references: References, findings: Finding[]): Config | null {
  const paths = sections.paths.map(({ index, option }) =>
    pathFromOption(option, pathTls(option, ['paths', index, 'tls'], references, findings)),
  );
  const ca = (sections.tls?.ca ?? []).flatMap(
    (text, index) => readPem(text, 'certificate', ['tls', 'ca', index], references, findings) ?? [],
  );
  const flows = withFlowFiles(sections, references, findings);
  const {
    vantage,
    control,
    checks,
    browser,
    canaries,
    shared,
    alerts,
    watchdog,
    store,
    web,
    log,
    heartbeat,
  } = sections;
  if (vantage === null || control === null || checks === null || canaries === null || shared === null)
    return null;
  if (browser === null) return null;
  if (alerts === null || watchdog === null || store === null || web === null || log === null) return null;
  const discover = discoverFrom(sections, targetDefaults(sections), references, findings);
  if (findings.length > 0) return null;
  const gates = sections.gates.map(({ option }) => gateFromOption(option, paths));
  const targets = sections.targets.map(({ index, option }) => {
    const target = staticTarget(option, targetDefaults(sections), sections.zones ?? []);
    const flow = flows.flowOf(index);
    return flow === null ? target : { ...target, flow };
  });
  return {
    vantage: vantage.name,
    gates,
    paths,
    targets,
    accounts: sections.accounts.flatMap(({ option }) => {
      const gate = gates.find(({ name }) => name === accountGate(option, sections));
      return gate === undefined ? [] : [accountFromOption(option, gate, targets)];
    }),
    discover,
    controls: control,
    checks: { ...checks, browser: flows.browser },
    browser,
    canaries,
    shared,
    signatures: sections.signatures.map(({ option }) => option),
    maintenance: sections.maintenance.map(({ option }) => option),
    evidence: sections.evidence.map(({ option }) => option),
    alerts,
    watchdog,
    heartbeat: heartbeat === null ? null : { url: heartbeat.url, everyMs: heartbeat.every },
    receivers: sections.receivers.map(({ option }) => option),
    store,
    web,
    ca,
    logLevel: log.level,
  };
}

function targetDefaults(sections: Sections): TargetDefaults {
  const { defaults } = sections;
  return {
    gate: defaultGate(sections),
    expect: defaults?.expect ?? { shape: 'one', expectation: plainExpectation('login') },
    paths: defaultPaths(sections),
    timeoutMs: defaults?.timeout ?? DEFAULT_TIMEOUT_MS,
    slowMs: defaults?.slow ?? DEFAULT_SLOW_MS,
    headers: defaults?.headers ?? {},
  };
}

function pathTls(
  option: PathOption,
  at: readonly (string | number)[],
  references: References,
  findings: Finding[],
): NetworkPath['tls'] {
  const { tls } = option;
  const read = (
    text: string | undefined,
    kind: 'certificate' | 'key',
    key: readonly (string | number)[],
  ): string | null =>
    text === undefined ? null : readPem(text, kind, [...at, ...key], references, findings);
  return {
    ca: (tls?.ca ?? []).flatMap((text, index) => read(text, 'certificate', ['ca', index]) ?? []),
    cert: read(tls?.cert, 'certificate', ['cert']),
    key: read(tls?.key, 'key', ['key']),
    verify: tls?.verify ?? 'full',
  };
}

/** PEM text, written in place or in the named file; null, with a finding, when it holds no such thing. */
function readPem(
  text: string,
  kind: 'certificate' | 'key',
  path: readonly (string | number)[],
  references: References,
  findings: Finding[],
): string | null {
  const read = text.includes('-----BEGIN ') ? { text } : readNamedFile(text, references, LARGEST_PEM);
  if ('problem' in read) {
    findings.push({ path, message: read.problem });
    return null;
  }
  try {
    if (kind === 'key') createPrivateKey(read.text);
    else new X509Certificate(read.text);
    return read.text;
  } catch {
    findings.push({
      path,
      message: `holds no ${kind === 'key' ? 'usable private key' : 'certificate'} in PEM form`,
    });
    return null;
  }
}
