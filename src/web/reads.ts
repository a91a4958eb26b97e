// What the pages and the API may look at, and what they may ask for. app.ts fills these in; this room knows no other.

import type { ArtifactKind } from '../model/artifact.ts';
import type { InboundAlert, WebhookAlert } from '../model/inbound.ts';
import type { Incident } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { ProbeOutcome, ProbeWish } from '../model/probe-report.ts';
import type { StoredResult } from '../model/result.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { SignatureText, Verdict } from '../model/verdict.ts';

/** Newest first, below `beforeId`, at most `limit` (1..1000). Null = not filtered. */
export interface ResultsQuery {
  readonly check: string | null;
  readonly target: string | null;
  readonly verdict: Verdict | null;
  readonly since: EpochMs | null;
  readonly beforeId: number | null;
  readonly limit: number;
}

/** Newest first by opening, at most `limit` (1..1000). `active` = open and recovering. */
export interface IncidentsQuery {
  readonly state: 'active' | 'all';
  /** Opened before. */
  readonly before: EpochMs | null;
  readonly limit: number;
}

/** The words of an incident's alert; made where alerts are made, so that page and pager say the same. */
export interface IncidentText {
  readonly summary: string;
  readonly description: string;
  /** One line to paste, or null. */
  readonly firstCheck: string | null;
  /** Firing alerts of others about what it is about. */
  readonly evidence: readonly InboundAlert[];
}

/** Read side. Every call is synchronous and bounded. */
export interface Reads {
  snapshot(): Snapshot;
  results(query: ResultsQuery): readonly StoredResult[];
  incidents(query: IncidentsQuery): readonly Incident[];
  incident(id: string): Incident | null;
  /** Text of a signature of the catalogue or of the user; null when unknown. */
  texts(id: string): SignatureText | null;
  summary(incident: Incident): IncidentText;
  /** A file of a failed browser visit; null when it is not there (any more). Any text is an id that may be asked for. */
  artifact(id: string, kind: ArtifactKind): Buffer | null;
  /** Kinds of files that are there. */
  artifacts(id: string): readonly ArtifactKind[];
}

/** What a visitor may change. */
export interface Actions {
  /** `problems`: one line each, without secret values. */
  reload(): Promise<{ readonly ok: boolean; readonly problems: readonly string[] }>;
  /** Queues one probe of a check or canary beside its schedule; budgets hold. */
  run(check: string): Promise<'queued' | 'no-budget' | 'unknown'>;
  /** Probes a configured target and waits for the result, within the budgets; the wish was checked. */
  probe(wish: ProbeWish): Promise<ProbeOutcome>;
  /** Takes alerts that Alertmanager brings; how many of them are evidence. */
  inbound(alerts: readonly WebhookAlert[]): number;
}

/** The switches of the demo site. */
export interface DemoFaults {
  faults(): readonly { readonly id: string; readonly title: string; readonly on: boolean }[];
  set(id: string, on: boolean): void | Promise<void>;
}
