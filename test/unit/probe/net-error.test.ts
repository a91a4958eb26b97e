// Codes of the libraries to the closed table: one row each.

import { describe, expect, test } from 'vitest';
import type { Phase } from '../../../src/model/observation.ts';
import { errorCodeOf, toProbeError } from '../../../src/probe/net-error.ts';

const coded = (code: string): Error => Object.assign(new Error('text of the peer: s3cret'), { code });

describe('a code', () => {
  test.each([
    ['ECONNREFUSED', 'connect', 'connect:connect-refused'],
    ['ETIMEDOUT', 'connect', 'connect:connect-timeout'],
    ['ETIMEDOUT', 'body', 'body:timeout'],
    ['EHOSTUNREACH', 'connect', 'connect:unreachable'],
    ['ENETUNREACH', 'connect', 'connect:unreachable'],
    ['ECONNRESET', 'tls', 'tls:reset'],
    ['EPIPE', 'request', 'request:reset'],
    ['EMFILE', 'connect', 'prober:out-of-resources'],
    ['EADDRNOTAVAIL', 'connect', 'prober:out-of-resources'],
    ['CERT_HAS_EXPIRED', 'tls', 'tls:tls-expired'],
    ['CERT_NOT_YET_VALID', 'tls', 'tls:tls-expired'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', 'tls:tls-wrong-host'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls', 'tls:tls-untrusted'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls', 'tls:tls-untrusted'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', 'tls:tls-failed'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'headers', 'tls:tls-failed'],
    ['EPROTO', 'tls', 'tls:tls-failed'],
    ['ENOTFOUND', 'dns', 'dns:dns-not-found'],
    ['ENODATA', 'dns', 'dns:dns-not-found'],
    ['ESERVFAIL', 'dns', 'dns:dns-failed'],
    ['EREFUSED', 'dns', 'dns:dns-failed'],
    ['ETIMEOUT', 'dns', 'dns:resolver-unreachable'],
    ['UND_ERR_HEADERS_OVERFLOW', 'headers', 'headers:bad-response'],
    ['UND_ERR_SOCKET', 'headers', 'headers:reset'],
    ['ERR_HTTP2_STREAM_ERROR', 'body', 'body:reset'],
    ['ERR_HTTP2_ERROR', 'headers', 'headers:bad-response'],
    ['Z_DATA_ERROR', 'body', 'body:bad-response'],
    ['ERR__ERROR_FORMAT_PADDING_1', 'body', 'body:bad-response'],
    ['UND_ERR_INVALID_ARG', 'request', 'prober:internal'],
    ['E_NEVER_SEEN', 'connect', 'prober:internal'],
  ] satisfies [string, Phase, string][])('%s in phase %s is %s', (code, phase, expected) => {
    const error = toProbeError(coded(code), phase);
    expect(`${error.phase}:${error.code}`).toBe(expected);
    expect(error.message).toContain(code);
  });
});

test('the message is ours: nothing of the error but its code, and that only when it is an identifier', () => {
  expect(toProbeError(coded('ECONNRESET'), 'body').message).not.toContain('s3cret');
  expect(toProbeError(coded('state=s3cret&x'), 'body').message).not.toContain('s3cret');
});

test.each([undefined, null, 'ECONNRESET', 7, {}, { code: 7 }, new Error('x')])('%s has no code', (thrown) => {
  expect(errorCodeOf(thrown)).toBeNull();
  expect(toProbeError(thrown, 'body')).toMatchObject({ phase: 'prober', code: 'internal' });
});
