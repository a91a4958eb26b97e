// Probes a hostile server as the daemon does: real prober, real classifier, through the corridor.

import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { Config } from '../../src/config/config.ts';
import { type Authority, createAuthority } from '../../src/demo/certificates.ts';
import type { Gate } from '../../src/model/gate.ts';
import type { NetworkPath } from '../../src/model/network-path.ts';
import type { ProbeResult } from '../../src/model/result.ts';
import { createProbing, probeOnce } from '../../src/pipeline.ts';
import { check, gate, path, target } from '../integration/probe/probe-kit.ts';
import type { HostileServer } from './hostile-answer.ts';
import { hostileRootPem } from './hostile-certificates.ts';

const GATE: Gate = gate();

export interface HostileKit {
  readonly authority: Authority;
  /** One fresh visit of a target with that expectation over the path. */
  visit(
    url: string,
    over: { path: NetworkPath; is: 'public' | 'login'; timeoutMs: number },
  ): Promise<ProbeResult>;
}

/** A prober and a classifier that trust a fresh authority. Never blames its own lateness: servers share the machine. */
export async function createHostileKit(authority?: Authority): Promise<HostileKit> {
  const trusted = authority ?? (await createAuthority('hostile test CA'));
  return { authority: trusted, visit: createVisit([trusted.certificatePem, await hostileRootPem()]) };
}

/** The visit alone, for a process that has no more than the authorities' certificates. */
export function createVisit(ca: readonly string[], clock: Clock = systemClock): HostileKit['visit'] {
  const site: Pick<Config, 'gates' | 'paths' | 'signatures' | 'ca'> & {
    alerts: { certificateWarnMs: number };
  } = {
    gates: [GATE],
    paths: [],
    signatures: [],
    ca,
    alerts: { certificateWarnMs: 86_400_000 },
  };
  const { stages } = createProbing(site as unknown as Config, {
    clock,
    stall: { during: () => null, [Symbol.dispose]: () => {} },
    knowledge: { get: () => null },
    jars: null,
  });
  return (url, { path: way, is, timeoutMs }) => {
    const what = target(url, { slowMs: 60_000, gate: GATE.name });
    const subject = check(what, { path: way, gate: GATE, expect: { is }, timeoutMs });
    return probeOnce(subject, { extra: false }, stages, new AbortController().signal);
  };
}

/** The path to a hostile server. */
export function pathTo(row: Pick<HostileServer, 'http'>, address: NetworkPath['address']): NetworkPath {
  return path(address, { http: row.http });
}

/** `up`, or verdict and signature. */
export function finding({ judgement }: ProbeResult): string {
  return judgement.signature === null ? judgement.verdict : `${judgement.verdict} ${judgement.signature}`;
}
