// The contract of discovery. A source lists what it knows, as claims (DESIGN 10: "Discovery is a claim"), and decides
// nothing: merge.ts joins sources with the static list and with what the operator allows, refresh.ts says when to
// list. A new source is a file beside this one and two lines in discoverers.ts.

import type { ExpectationKind } from '../model/target.ts';

/** What a source claims: one URL that it serves, protects or lists. */
export interface Found {
  /** The source's own name for where this comes from, for people: `ingress web/grafana`. Never an id. */
  readonly object: string;
  /** `https` unless the source knows that there is no TLS; the port is the scheme's own. */
  readonly scheme: 'https' | 'http';
  /** As the source writes it, not yet checked: whatever is no host name, or not in `hosts:`, becomes drift. */
  readonly host: string;
  /** Begins with `/`; `/` = the whole host. Checked like the host. */
  readonly pathname: string;
  /**
   * What the source's facts say a stranger gets, on all paths or by path name: `login` behind a gate, `app` without
   * one, `public` for a carve-out of a host behind one. Null: it does not know, and `defaults:` decide.
   */
  readonly expect: ExpectationKind | Readonly<Record<string, ExpectationKind>> | null;
  /** Configured name of the gate in front (gate-recognition.ts finds it); null: the default gate. */
  readonly gate: string | null;
  /** Paths it is reached over, where the source knows; null = `defaults:`. */
  readonly paths: readonly string[] | null;
  /** `never` where the source knows that it scales to zero. */
  readonly wake: 'always' | 'never';
  /** Facts as labels, for example `namespace`; what people wrote belongs into the wishes. */
  readonly labels: Readonly<Record<string, string>>;
  /** Who can change the object: a namespace; null = whoever can change the source. */
  readonly owner: string | null;
  /** When the object was made, epoch ms; beyond a limit the oldest are kept. Null = not known, and as new. */
  readonly createdAt: number | null;
  /** What whoever wrote the object asks for (annotations). Nothing loosening counts without `overrides: true`. */
  readonly wishes: Wishes;
}

/** What annotations may ask for; what is left out asks for nothing. */
export interface Wishes {
  /** False: not to be watched. */
  readonly watch?: boolean;
  readonly expect?: ExpectationKind;
  readonly pathname?: string;
  readonly paths?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** Something a person should know about one object: why it was left out, or what does not fit. Shown as drift. */
export interface Note {
  readonly object: string;
  /** Lower case, no period, no text of the source but checked names. */
  readonly why: string;
}

/** Everything a source has at one time: never a part of it. */
export interface Listing {
  readonly found: readonly Found[];
  /** Of single objects that cannot be used; whatever makes the whole doubtful is a DiscoveryError instead. */
  readonly notes: readonly Note[];
  /** Longest lifetime of sessions by gate, ms, where the source knows it. */
  readonly lifetimesMs?: Readonly<Record<string, number>>;
}

/**
 * Whose view a source has; where two disagree, this says who lost what:
 * proxy   routes as the proxy has them
 * gate    what the login gate believes it protects
 * list    a list that somebody keeps
 */
export type View = 'proxy' | 'gate' | 'list';

export interface Discoverer extends AsyncDisposable {
  readonly view: View;
  /** Lists everything once. Rejects with DiscoveryError, soon when the signal aborts; never a partial set. */
  list(signal: AbortSignal): Promise<Listing>;
  /**
   * For sources that push: calls `push` with everything, first at once and then after each change, until the signal
   * aborts (then it resolves). Rejects with DiscoveryError when it cannot go on; it is called anew after a pause.
   */
  watch?(push: (listing: Listing) => void, signal: AbortSignal): Promise<void>;
}

/** A source that could not be listed. The message has no secrets and nothing of the answer but checked names. */
export class DiscoveryError extends Error {
  /** Name of the source, as configured. */
  readonly source: string;

  constructor(source: string, message: string, options?: ErrorOptions) {
    super(`${source}: ${message}`, options);
    this.name = 'DiscoveryError';
    this.source = source;
  }
}
