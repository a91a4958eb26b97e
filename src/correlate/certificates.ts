// Certificates near their end: a warning of its own, long before anything fails (DESIGN 5).

import type { EpochMs, TlsFacts } from '../model/observation.ts';
import type { ProbeResult } from '../model/result.ts';

const DAY_MS = 86_400_000;

export interface CertificateState {
  /** `name@path`, as in the component. */
  readonly name: string;
  /** Why it is a warning, a whole sentence; null while there is enough left. */
  readonly detail: string | null;
}

/** Judges the certificates of results, one after the other; knows the longest end it has seen of each. */
export type CertificateWatch = (result: ProbeResult, now: EpochMs) => CertificateState | null;

/** An end may move back by this much without a word: replicas are renewed one after the other. */
const BACKWARDS_MS = DAY_MS;

/**
 * A warning when less is left than `warnMs` or a third of the certificate's life, whichever is shorter, or when its
 * end went backwards: an old certificate came back. Null when the probe saw no valid certificate.
 */
export function createCertificateWatch(warnMs: number): CertificateWatch {
  const longest = new Map<string, EpochMs>();
  return (result, now) => {
    const { path } = result.subject;
    const tls = result.observation.exchanges.findLast((exchange) => exchange.tls !== null)?.tls ?? null;
    if (tls === null || tls.matchedName === null || path === null || tls.notAfter <= now) return null;
    const name = `${tls.matchedName}@${path.name}`;
    const before = Math.max(longest.get(name) ?? 0, tls.notAfter);
    longest.set(name, before);
    const leftMs = tls.notAfter - now;
    if (leftMs < warnBelowMs(tls, warnMs))
      return {
        name,
        detail: `the certificate ${name} is valid until ${instant(tls.notAfter)}, ${leftText(leftMs)} from now`,
      };
    if (before - tls.notAfter <= BACKWARDS_MS) return { name, detail: null };
    return {
      name,
      detail: `the certificate ${name} went backwards: it ends on ${instant(tls.notAfter)}, the one before on ${instant(before)}`,
    };
  };
}

function warnBelowMs(tls: TlsFacts, warnMs: number): number {
  return Math.min(warnMs, (tls.notAfter - tls.notBefore) / 3);
}

function instant(at: EpochMs): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function leftText(leftMs: number): string {
  const days = Math.floor(leftMs / DAY_MS);
  if (days >= 1) return `${days} ${days === 1 ? 'day' : 'days'}`;
  return `${Math.max(1, Math.floor(leftMs / 3_600_000))} hours`;
}
