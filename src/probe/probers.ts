// The table of probers, and the one door of this room: a subject goes in, an observation comes out, whatever
// happens on the way (STYLE 8.4). Facts only; opinions are the classifier's.

import { type Clock, deadline } from '../base/clock.ts';
import type { Check, Subject, Visit } from '../model/check.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Observation } from '../model/observation.ts';
import type { ArtifactFiles } from './browser/artifact-files.ts';
import { type Browser, createBrowser, handOutOf } from './browser/browser.ts';
import { type BrowserSettings, LOCAL_BROWSER } from './browser/options.ts';
import { CANARY_PROBERS } from './canaries.ts';
import type { Resolve } from './dns.ts';
import { createExchanger, type Limit } from './exchange.ts';
import { type Sighting, type VisitTools, visitFresh, visitReturn, visitSession } from './http-visit.ts';
import type { Jars } from './jar.ts';
import { visitLogin } from './login-visit.ts';
import { lackOf, probeError, toProbeError } from './net-error.ts';
import type { Codes } from './one-time-code.ts';
import type { SignedIn } from './signed-in.ts';
import { createTokens } from './tokens.ts';

export interface ProbeTools {
  readonly clock: Clock;
  readonly resolve: Resolve;
  readonly jars: Jars;
  readonly signedIn: SignedIn;
  readonly codes: Codes;
  /** All configured ones: the identity provider has a way of its own. */
  readonly paths: readonly NetworkPath[];
  /** `gatewatch/<version> (+<url>)`. */
  readonly userAgent: string;
  /** Further trusted roots, PEM, for paths without their own. */
  readonly ca: readonly string[];
  /** `address:port` and `address` of configured origin paths, for the address guard. */
  readonly allowedAddresses: ReadonlySet<string>;
  /** Default: a local one, where it is looked for. */
  readonly browser?: BrowserSettings;
  /** Where files of failed browser visits are kept. Default: nowhere. */
  readonly artifacts?: ArtifactFiles;
  /** Hears what this process ran out of, as the operating system's code (threats X14). */
  readonly exhaustion?: { note(code: string): void };
}

/** Executes one probe. Never rejects: failures of the target and of ourselves are in the observation. */
export type Probe = (subject: Subject, signal: AbortSignal) => Promise<Observation>;

interface WithBrowser {
  readonly browser: Browser;
}

const VISIT_PROBERS: Readonly<
  Record<Visit, (check: Check, tools: VisitTools & WithBrowser, limit: Limit) => Promise<Sighting>>
> = {
  fresh: visitFresh,
  return: visitReturn,
  session: visitSession,
  login: visitLogin,
  browser: (check, { browser }, limit) => browser.visit(check, limit),
};

/** A probe whose connections share trust and DNS answers, and nothing else. */
export function createProbe(tools: ProbeTools): Probe {
  const exchanger = createExchanger(tools);
  const visitTools: VisitTools & WithBrowser = {
    ...tools,
    exchanger,
    tokens: createTokens({ ...tools, exchanger }),
    browser: createBrowser({
      ...tools,
      settings: tools.browser ?? LOCAL_BROWSER,
      handOut: handOutOf(tools.codes),
    }),
  };
  const { clock } = tools;

  return async (subject, signal) => {
    const startedAt = clock.now();
    const startMs = clock.monotonic();
    using time = deadline(clock, subject.timeoutMs, signal);
    const limit: Limit = { signal: time.signal, timeoutMs: subject.timeoutMs, stopped: () => signal.aborted };
    const sighting = await execute(subject, visitTools, limit);
    const lack = lackOf(sighting.error);
    if (lack !== null) tools.exhaustion?.note(lack);
    const durationMs = clock.monotonic() - startMs;
    return { startedAt, durationMs, flow: null, secrets: [], ...sighting };
  };
}

async function execute(subject: Subject, tools: VisitTools & WithBrowser, limit: Limit): Promise<Sighting> {
  if (limit.stopped()) return { exchanges: [], stop: 'error', error: probeError('prober', 'aborted') };
  try {
    return subject.kind === 'visit'
      ? await VISIT_PROBERS[subject.visit](subject, tools, limit)
      : await CANARY_PROBERS[subject.canary](subject, tools, limit);
  } catch (error) {
    return { exchanges: [], stop: 'error', error: toProbeError(error, 'prober') };
  }
}
