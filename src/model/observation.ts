// Observations: the facts of one probe, no opinion. They live in memory only and hold secrets (state, cookies,
// bodies); what is stored is the `Evidence` of model/evidence.ts.

/** Milliseconds since 1970-01-01 UTC, by the wall clock. */
export type EpochMs = number;

/** Where a request stopped. `prober` is our own failure and never the target's. */
export type Phase = 'dns' | 'connect' | 'tls' | 'request' | 'headers' | 'body' | 'prober';

/** Closed table of transport failures; probe/net-error.ts maps Node's and undici's codes to these. */
export const ERROR_CODES = [
  'dns-not-found', // NXDOMAIN or no address of the wanted family
  'dns-failed', // the resolver answered SERVFAIL, REFUSED or garbage
  'resolver-unreachable', // no resolver answered at all
  'address-forbidden', // the connector refused to dial (private on cdn/direct, link-local, metadata)
  'connect-refused',
  'connect-timeout',
  'unreachable', // no route, network down
  'reset', // connection closed or reset before a complete answer
  'tls-expired', // also not yet valid
  'tls-wrong-host',
  'tls-untrusted',
  'tls-failed', // handshake, protocol, alert
  'timeout', // the deadline passed after the connection stood
  'bad-response', // not HTTP, invalid chunk, too many headers, undecodable
  'body-too-large',
  'too-many-hops',
  'out-of-resources', // EMFILE, ENFILE, ENOMEM, ENOBUFS
  'browser', // no browser, or it ended or hung in the middle of a visit
  'stalled', // our own event loop was late, or the clock jumped, during the probe
  'aborted', // shutdown or reload
  'internal', // a bug of ours
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ProbeError {
  readonly phase: Phase;
  readonly code: ErrorCode;
  /** Our own words and numbers, one line; never text of the response. */
  readonly message: string;
}

/** Milliseconds of each phase; null = not reached, or not needed (no TLS on http). */
export interface Timings {
  readonly dnsMs: number | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  /** From the request sent to the first byte of the response's headers. */
  readonly firstByteMs: number | null;
  readonly transferMs: number | null;
}

export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  /** SAN entry that covers the host, for example `*.example.com`; null when none does. */
  readonly matchedName: string | null;
  readonly issuer: string;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
  readonly fingerprint: string;
}

export interface SetCookie {
  readonly name: string;
  /** The whole header line: a secret. */
  readonly raw: string;
  /** Max-Age or Expires in the past. */
  readonly deletes: boolean;
  /** Lifetime in ms, clamped to [60 s, 400 d]; null for a session cookie. */
  readonly maxAgeMs: number | null;
}

/** One request with its response and timings. */
export interface Exchange {
  readonly url: string;
  /** Address and port that was dialled; null when it never came to that. */
  readonly remote: { readonly address: string; readonly port: number } | null;
  /** Resolver that gave the address; null for configured addresses. */
  readonly resolver: string | null;
  readonly timings: Timings;
  readonly tls: TlsFacts | null;
  /** Null when no response came. */
  readonly status: number | null;
  /** Lower-case names; repeated headers joined by `, ` (set-cookie is left out). Null-prototype object. */
  readonly headers: Readonly<Record<string, string>>;
  readonly setCookies: readonly SetCookie[];
  /** Names of the cookies sent. */
  readonly sentCookies: readonly string[];
  /** Decoded prefix of the body, at most 256 KiB (1 MiB when the expectation looks for text). */
  readonly body: string;
  /** Decoded bytes read. */
  readonly bodyBytes: number;
  /** The body went on behind the kept prefix. */
  readonly bodyTruncated: boolean;
  readonly error: ProbeError | null;
}

/**
 * Where a login or a browser's flow ended.
 *
 * app              at the app, signed in
 * rejected         the credentials were refused: password, code, client secret
 * denied           the provider or the gate knows who it is, and refuses
 * needs-human      a step that no program can take: captcha, prompt, mail, enrolment
 * flow-error       the provider says that its flow has failed
 * callback-failed  the way back to the gate, or the gate with its result
 * page-blank       the login page shows nothing: its scripts or styles fail
 * not-finished     none of these: an answer that is no step of a login, or none at all
 */
export const FLOW_ENDS = [
  'app',
  'rejected',
  'denied',
  'needs-human',
  'flow-error',
  'callback-failed',
  'page-blank',
  'not-finished',
] as const;
export type FlowEnd = (typeof FLOW_ENDS)[number];

/** One step of a flow; `failed`: why, in our own words; null when it succeeded. */
export interface FlowStep {
  readonly name: string;
  readonly durationMs: number;
  readonly failed: string | null;
}

/** What a browser saw of a page, beside its exchanges. */
export interface PageFacts {
  /** Nothing that a person could see. */
  readonly blank: boolean;
  readonly failedResources: readonly {
    /** Scheme, host and pathname. */
    readonly url: string;
    /** `script`, `stylesheet`, … as the browser calls it. */
    readonly type: string;
    /** Null when no answer came. */
    readonly status: number | null;
    /** Our own words; null when the status says it all. */
    readonly error: string | null;
  }[];
  readonly consoleErrors: number;
  readonly pageErrors: number;
}

/** The steps of a visit that is more than requests: a login over HTTP, a browser's flow. */
export interface FlowFacts {
  readonly steps: readonly FlowStep[];
  readonly end: FlowEnd;
  /** Our own words on the end, half a sentence; never text of a response. */
  readonly detail: string;
  /** A password, code or client secret has left us: what comes after may count against the account. */
  readonly secretsSent: boolean;
  /** Our clock less the provider's, ms, by its `Date`; null where it gave none. */
  readonly clockSkewMs: number | null;
  /** Browser only. */
  readonly page: PageFacts | null;
  /** Id of the files that a failed browser visit left; left out where there are none. */
  readonly artifacts?: string | null;
}

/** What one probe saw. Hops in order; the last one is where the probe ended. */
export interface Observation {
  readonly startedAt: EpochMs;
  readonly durationMs: number;
  readonly exchanges: readonly Exchange[];
  /** Why no further hop was made. `handover`: the next one would be the identity provider. */
  readonly stop: 'answer' | 'handover' | 'off-host' | 'asleep' | 'error';
  /** Failure of the last exchange, or of ourselves before any exchange. */
  readonly error: ProbeError | null;
  /** Null for visits that are requests alone. */
  readonly flow: FlowFacts | null;
  /** What was sent for the account: session cookies, codes, tokens. For taking it out of what is kept. */
  readonly secrets: readonly string[];
}
