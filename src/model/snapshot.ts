// The live state of one configuration, as page, API and CLI read it. Built by watch.ts, plain data.

import type { Component } from './component.ts';
import type { Drift, SourceStatus } from './drift.ts';
import type { InboundAlert } from './inbound.ts';
import type { Incident } from './incident.ts';
import type { MaintenanceStatus } from './maintenance.ts';
import type { EpochMs } from './observation.ts';
import type { Expectation } from './target.ts';
import type { SignatureId, Verdict } from './verdict.ts';

export interface CheckStatus {
  readonly id: string;
  readonly kind: 'visit' | 'canary';
  /** Target id, or the canary's name. */
  readonly target: string;
  /** Visit, or canary kind. */
  readonly visit: string;
  readonly path: string | null;
  readonly everyMs: number | null;
  readonly lastAt: EpochMs | null;
  readonly nextAt: EpochMs | null;
  readonly verdict: Verdict | null;
  readonly signature: SignatureId | null;
  readonly reason: string;
  readonly status: number | null;
  readonly durationMs: number | null;
  /** Since when the verdict is what it is. */
  readonly since: EpochMs | null;
  /** Why it does not run, for example `no cookie yet`; null when it does. */
  readonly idle: string | null;
}

export interface TargetStatus {
  readonly id: string;
  readonly url: string;
  readonly zone: string;
  readonly gate: string | null;
  readonly paths: readonly string[];
  readonly expect: Readonly<Record<string, Expectation>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly source: string;
  /** All sources it is in, `static` for the configured list. */
  readonly sources: readonly string[];
  /** What sources or the baseline say against it. */
  readonly drift: readonly string[];
  /** The baseline does not know it yet. */
  readonly isNew: boolean;
  readonly checks: readonly string[];
}

export interface ComponentStatus {
  readonly component: Component;
  /** Posterior that it is at fault, 0..1. */
  readonly suspicion: number;
  readonly state: 'ok' | 'suspect' | 'down' | 'untested';
  readonly checks: number;
}

/** Sessions at one outpost. */
export interface GateStatus {
  readonly outpost: string;
  readonly gates: readonly string[];
  readonly store: 'files' | 'database' | 'none';
  readonly budgetPerMinute: number | null;
  readonly tokens: number;
  readonly capacity: number;
  readonly created: number;
  readonly seen: number;
  readonly held: number;
  /** Sessions the store holds at most; null when unknown. */
  readonly storeSessions: number | null;
  readonly lifetimeMs: number;
}

export interface ReceiverStatus {
  readonly name: string;
  readonly kind: string;
  readonly queued: number;
  readonly lastDeliveryAt: EpochMs | null;
  readonly lastError: string | null;
}

export interface Snapshot {
  readonly at: EpochMs;
  readonly startedAt: EpochMs;
  readonly version: string;
  readonly vantage: string;
  readonly demo: boolean;
  readonly config: {
    readonly file: string | null;
    readonly loadedAt: EpochMs;
    readonly error: string | null;
  };
  readonly discovery: {
    readonly sources: readonly SourceStatus[];
    readonly drift: readonly Drift[];
  };
  readonly targets: readonly TargetStatus[];
  readonly checks: readonly CheckStatus[];
  readonly components: readonly ComponentStatus[];
  readonly gates: readonly GateStatus[];
  readonly incidents: readonly Incident[];
  readonly receivers: readonly ReceiverStatus[];
  /** Configured windows of planned work. */
  readonly maintenance: readonly MaintenanceStatus[];
  /** Firing alerts of others that are taken for evidence. */
  readonly inbound: readonly InboundAlert[];
}
