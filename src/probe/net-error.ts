// Codes of Node, OpenSSL, c-ares, nghttp2, zlib and undici, mapped to the closed table of
// model/observation.ts. Only codes are read, never messages: those hold text of the peer.

import type { ErrorCode, Phase, ProbeError } from '../model/observation.ts';

/** Codes with one meaning in every phase. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  // Node and the operating system (libuv names)
  ECONNREFUSED: 'connect-refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ERR_STREAM_PREMATURE_CLOSE: 'reset',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EACCES: 'unreachable', // a firewall of ours refused to send
  EPERM: 'unreachable',
  EMFILE: 'out-of-resources',
  ENFILE: 'out-of-resources',
  ENOMEM: 'out-of-resources',
  ENOBUFS: 'out-of-resources',
  EADDRNOTAVAIL: 'out-of-resources', // no local port left, or no local address of that family
  // certificate verification (OpenSSL's X509_V_ERR names as Node gives them)
  CERT_HAS_EXPIRED: 'tls-expired',
  CERT_NOT_YET_VALID: 'tls-expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls-wrong-host',
  HOSTNAME_MISMATCH: 'tls-wrong-host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls-untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls-untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'tls-untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls-untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls-untrusted',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: 'tls-untrusted',
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'tls-untrusted',
  CERT_SIGNATURE_FAILURE: 'tls-untrusted',
  CERT_CHAIN_TOO_LONG: 'tls-untrusted',
  CERT_REVOKED: 'tls-untrusted',
  CERT_UNTRUSTED: 'tls-untrusted',
  CERT_REJECTED: 'tls-untrusted',
  ERROR_IN_CERT_NOT_BEFORE_FIELD: 'tls-untrusted', // a date that is none
  ERROR_IN_CERT_NOT_AFTER_FIELD: 'tls-untrusted',
  UNSPECIFIED: 'tls-untrusted', // Node's word for all further reasons of OpenSSL, such as too short a key
  INVALID_CA: 'tls-untrusted',
  INVALID_PURPOSE: 'tls-untrusted',
  PATH_LENGTH_EXCEEDED: 'tls-untrusted',
  EPROTO: 'tls-failed',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  // c-ares and getaddrinfo (nodejs.org/api/dns.html "Error codes")
  ENOTFOUND: 'dns-not-found',
  ENODATA: 'dns-not-found',
  ESERVFAIL: 'dns-failed',
  EREFUSED: 'dns-failed',
  EFORMERR: 'dns-failed',
  ENOTIMP: 'dns-failed',
  EBADRESP: 'dns-failed',
  EBADNAME: 'dns-failed',
  EBADQUERY: 'dns-failed',
  ETIMEOUT: 'resolver-unreachable',
  EAI_AGAIN: 'resolver-unreachable',
  // undici and nghttp2
  UND_ERR_SOCKET: 'reset',
  UND_ERR_CLOSED: 'reset',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'reset',
  UND_ERR_HEADERS_OVERFLOW: 'bad-response',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_INFO: 'reset', // HTTP/2 GOAWAY before an answer
  ERR_HTTP2_STREAM_ERROR: 'reset',
  ERR_HTTP2_SESSION_ERROR: 'reset',
  ERR_HTTP2_GOAWAY_SESSION: 'reset',
  ERR_HTTP2_STREAM_CANCEL: 'reset',
  // zlib: not what the Content-Encoding promised
  Z_DATA_ERROR: 'bad-response',
  Z_BUF_ERROR: 'bad-response',
  Z_NEED_DICT: 'bad-response',
};

/** Families of codes, tried after the table. */
const PREFIXES: readonly (readonly [string, ErrorCode])[] = [
  ['ERR_SSL_', 'tls-failed'],
  ['ERR_TLS_', 'tls-failed'],
  ['ERR_OSSL_', 'tls-failed'], // a certificate that cannot be decoded
  ['ERR_HTTP2_', 'bad-response'],
  ['ERR__ERROR_FORMAT', 'bad-response'], // brotli
  ['ERR_BROTLI', 'bad-response'],
];

/** Our words for each code; what is not said here is in the phase, the address and the timings. */
const WORDS: Readonly<Record<ErrorCode, string>> = {
  'dns-not-found': 'the name does not exist, or has no address',
  'dns-failed': 'the resolver could not answer for the name',
  'resolver-unreachable': 'no resolver answered',
  'address-forbidden': 'the address may not be dialled on this path',
  'connect-refused': 'connection refused',
  'connect-timeout': 'no answer to the connection attempt',
  unreachable: 'no route to the address',
  reset: 'connection closed before the answer was complete',
  'tls-expired': 'the certificate is expired or not yet valid',
  'tls-wrong-host': 'the certificate is for another name',
  'tls-untrusted': 'the certificate is not from a trusted authority',
  'tls-failed': 'the TLS handshake failed',
  timeout: 'no complete answer in time',
  'bad-response': 'the answer is no valid HTTP',
  'body-too-large': 'the body is too large',
  'too-many-hops': 'too many redirects',
  'out-of-resources': 'this machine is out of descriptors, ports or memory',
  browser: 'the browser does not work',
  stalled: 'our own process was late',
  aborted: 'stopped by us',
  internal: 'fault of gatewatch itself',
};

/** Code of anything thrown while connecting or talking, by its `code`; null when it is in no table. */
export function errorCodeOf(error: unknown): ErrorCode | null {
  const code = codeText(error);
  if (code === null) return null;
  return CODES[code] ?? PREFIXES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? null;
}

/**
 * Anything thrown in `phase` as the failure an observation shows. What no table knows is a bug of ours
 * (`internal`), and so is what the machine lacks (`out-of-resources`): both move to the phase `prober`. TLS 1.3
 * servers refuse a client certificate after the handshake: still phase `tls`.
 */
export function toProbeError(error: unknown, phase: Phase): ProbeError {
  const code = phaseCode(error, phase);
  const ours = code === 'internal' || code === 'out-of-resources';
  const name = codeText(error);
  return {
    phase: ours ? 'prober' : code.startsWith('tls-') ? 'tls' : phase,
    code,
    message: name === null ? WORDS[code] : `${WORDS[code]} (${name})`,
  };
}

/** The operating system's code behind an `out-of-resources`, such as EMFILE; null for every other failure. */
export function lackOf(error: ProbeError | null): string | null {
  if (error?.code !== 'out-of-resources') return null;
  return /\((E[A-Z]+)\)$/.exec(error.message)?.[1] ?? null;
}

/** The words for a failure that no exception carries. */
export function probeError(phase: Phase, code: ErrorCode, detail?: string): ProbeError {
  return { phase, code, message: detail ?? WORDS[code] };
}

/** ETIMEDOUT is the kernel giving up: on the SYN while connecting, on a retransmission later. */
function phaseCode(error: unknown, phase: Phase): ErrorCode {
  if (codeText(error) === 'ETIMEDOUT') return phase === 'connect' ? 'connect-timeout' : 'timeout';
  return errorCodeOf(error) ?? 'internal';
}

/**
 * The `code` of an error: an identifier of the library, never of the peer; bounded. OpenSSL's have punctuation in them:
 * ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE.
 */
function codeText(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  const { code } = error;
  return typeof code === 'string' && /^[A-Za-z0-9_/().:-]{1,80}$/.test(code) ? code : null;
}
