// Certificates near their end: a warning of its own, long before anything fails (DESIGN 5).

import type { EpochMs, TlsFacts } from '../model/observation.ts';
import type { ProbeResult } from '../model/result.ts';

const DAY_MS = 86_400_000;

export interface CertificateState {
  /** `name@path`, as in the component. */
  readonly name: string;
  /** Why it is a warning; null while there is enough left. */
  readonly detail: string | null;
}

/**
 * What a healthy handshake says about the certificate: a warning when less is left than `warnMs` or a third of its
 * life, whichever is shorter. Null when the probe saw no valid certificate.
 */
export function certificateState(result: ProbeResult, warnMs: number, now: EpochMs): CertificateState | null {
  const { path } = result.subject;
  const tls = result.observation.exchanges.findLast((exchange) => exchange.tls !== null)?.tls ?? null;
  if (tls === null || tls.matchedName === null || path === null || tls.notAfter <= now) return null;
  const name = `${tls.matchedName}@${path.name}`;
  const leftMs = tls.notAfter - now;
  return { name, detail: leftMs < warnBelowMs(tls, warnMs) ? detailOf(tls, leftMs) : null };
}

function warnBelowMs(tls: TlsFacts, warnMs: number): number {
  return Math.min(warnMs, (tls.notAfter - tls.notBefore) / 3);
}

function detailOf(tls: TlsFacts, leftMs: number): string {
  const days = Math.floor(leftMs / DAY_MS);
  const left =
    days >= 1
      ? `${days} ${days === 1 ? 'day' : 'days'}`
      : `${Math.max(1, Math.floor(leftMs / 3_600_000))} hours`;
  return `is valid until ${new Date(tls.notAfter).toISOString().slice(0, 16).replace('T', ' ')} UTC, ${left} from now`;
}
