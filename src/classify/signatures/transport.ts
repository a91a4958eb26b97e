// Signatures of probes that got no proper answer: DNS, connection, TLS, time, and faults of our own.

import type { ErrorCode } from '../../model/observation.ts';
import { front, hasStatus, isSentToForbidden, type Scene, wholeWay } from '../scene.ts';
import { type Claim, fault, type Signature, signatureId, unclear } from '../signature.ts';

/** Claims an observation that ended in one of these errors. The reason is `what` and how long it took. */
function onError(
  codes: readonly ErrorCode[],
  what: string,
  pointsAt: (scene: Scene) => readonly string[] | null,
): (scene: Scene) => Claim | null {
  return (scene) => {
    if (scene.error === null || scene.error.phase === 'prober' || !codes.includes(scene.error.code))
      return null;
    const status = hasStatus(scene, 100, 999) ? `, after status ${scene.response?.status}` : '';
    return fault(`${what}${status} (${seconds(scene)} s)`, pointsAt(scene));
  };
}

function seconds(scene: Scene): number {
  return Math.round(scene.observation.durationMs / 100) / 10;
}

const withCertificate = (scene: Scene): readonly string[] => ['certificate', ...front(scene)];

/** Our own failures: nothing is said of the target. */
const OWN_FAULTS: readonly ErrorCode[] = ['out-of-resources', 'stalled', 'aborted', 'internal'];

export const TRANSPORT_SIGNATURES: readonly Signature[] = [
  {
    id: signatureId('prober-fault'),
    pointsAt: ['vantage'],
    phrase: 'could not be probed by this daemon',
    meaning:
      'The probe itself failed: no descriptors, a stalled process, a shutdown, or a bug; the target is not judged.',
    firstCheck: "journalctl -u gatewatch --since -1h | grep -iE 'error|EMFILE|stall'",
    source: 'DESIGN 10 "Own stall"; threats X10, X14',
    claim: (scene) => {
      const error = scene.error;
      if (error !== null && (error.phase === 'prober' || OWN_FAULTS.includes(error.code))) {
        return unclear(`the probe failed by itself: ${error.code}`);
      }
      const silent = error === null && scene.response === null && scene.check !== null;
      return silent ? unclear('the probe ended without an answer and without an error') : null;
    },
  },
  {
    id: signatureId('path-not-taken'),
    pointsAt: ['vantage'],
    phrase: 'are answered over another path than the one that was meant',
    meaning: 'The answer did not come by the path it was asked on, so it proves nothing about that path.',
    firstCheck: 'dig +short {host}; compare with the addresses of path {path}',
    source: 'DESIGN 3 "Path proof"; threats N1, Q2',
    claim: (scene) =>
      scene.error?.code === 'address-forbidden' && scene.error.phase !== 'prober' && !isSentToForbidden(scene)
        ? unclear('the name led to an address that is not dialled on this path')
        : null,
  },
  {
    id: signatureId('dns-failed'),
    pointsAt: ['dns', 'resolver'],
    phrase: 'get no address from DNS',
    meaning:
      'The name did not resolve: it does not exist, its zone does not answer, or the resolver is dead.',
    firstCheck: 'dig +trace {host}',
    source: 'RFC 1035 4.1.1; RFC 2308',
    claim: (scene) =>
      onError(['dns-not-found'], 'the name has no address', () => ['dns'])(scene) ??
      onError(['dns-failed'], 'the resolver could not answer for the name', () => ['dns', 'resolver'])(
        scene,
      ) ??
      onError(['resolver-unreachable'], 'no resolver answered', () => ['resolver', 'vantage'])(scene),
  },
  {
    id: signatureId('connect-refused'),
    pointsAt: ['origin', 'cdn'],
    phrase: 'are refused the connection',
    meaning: 'The address answers, but nothing listens on the port.',
    firstCheck: 'curl -sv --connect-timeout 5 https://{host}/ -o /dev/null',
    source: 'RFC 9293 3.5.2 (reset of a connection that does not exist)',
    claim: onError(['connect-refused'], 'connection refused', front),
  },
  {
    id: signatureId('connect-timeout'),
    pointsAt: ['origin', 'cdn'],
    phrase: 'get no answer to a connection',
    meaning: 'Packets to the address go unanswered: host down, address moved, or a firewall drops them.',
    firstCheck: 'curl -sv --connect-timeout 5 https://{host}/ -o /dev/null',
    source: 'RFC 9293 3.8.3',
    claim: onError(['connect-timeout'], 'no answer to the connection', front),
  },
  {
    id: signatureId('unreachable'),
    pointsAt: ['vantage', 'origin', 'cdn'],
    phrase: 'find no route',
    meaning:
      'There is no route to the address: the network here is down, or the address family does not work.',
    firstCheck: 'ip route get $(dig +short {host} | tail -1)',
    source: 'RFC 792, RFC 4443 3.1 (destination unreachable)',
    claim: onError(['unreachable'], 'no route to the address', (scene) => [
      ...new Set(['vantage', ...front(scene)]),
    ]),
  },
  {
    id: signatureId('tls-expired'),
    pointsAt: ['certificate'],
    phrase: 'get an expired certificate',
    meaning: 'The certificate is past its end, or not yet valid.',
    firstCheck:
      'echo | openssl s_client -connect {host}:443 -servername {host} 2>/dev/null | openssl x509 -noout -dates',
    source: 'RFC 5280 4.1.2.5',
    claim: onError(['tls-expired'], 'the certificate is not valid now', withCertificate),
  },
  {
    id: signatureId('tls-wrong-host'),
    pointsAt: ['certificate', 'origin'],
    phrase: 'get a certificate of another name',
    meaning: 'The certificate does not cover the host: often the proxy fell back to its default certificate.',
    firstCheck:
      'echo | openssl s_client -connect {host}:443 -servername {host} 2>/dev/null | openssl x509 -noout -ext subjectAltName',
    source: 'RFC 9525 6',
    claim: onError(['tls-wrong-host'], 'the certificate does not cover the host', withCertificate),
  },
  {
    id: signatureId('tls-untrusted'),
    pointsAt: ['certificate', 'origin'],
    phrase: 'get a certificate that nobody trusts',
    meaning:
      'The chain does not end in a trusted root: self-signed, an intermediate is missing, or a private CA.',
    firstCheck: 'echo | openssl s_client -connect {host}:443 -servername {host} -showcerts',
    source: 'RFC 5280 6',
    claim: onError(['tls-untrusted'], 'the certificate chain is not trusted', withCertificate),
  },
  {
    id: signatureId('tls-failed'),
    pointsAt: ['origin', 'certificate'],
    phrase: 'are cut off in the TLS handshake',
    meaning:
      'The TLS handshake failed: no common protocol, a client certificate is wanted, or no site for the name.',
    firstCheck: 'openssl s_client -connect {host}:443 -servername {host} </dev/null',
    source: 'RFC 8446 6.2',
    claim: onError(['tls-failed'], 'the TLS handshake failed', (scene) => [...front(scene), 'certificate']),
  },
  {
    id: signatureId('timeout'),
    pointsAt: ['origin', 'gate', 'target'],
    phrase: 'get no answer in time',
    meaning: 'The connection stood, but the answer was not complete within the time limit.',
    firstCheck: "curl -s -o /dev/null -w '%{time_connect} %{time_starttransfer}\\n' https://{host}/",
    source: 'RFC 9110 15.6.5',
    claim: onError(['timeout'], 'no complete answer in time', wholeWay),
  },
  {
    id: signatureId('reset'),
    pointsAt: ['origin', 'cdn', 'target'],
    phrase: 'are cut off',
    meaning: 'The connection was closed before the answer was complete.',
    firstCheck: 'curl -sv https://{host}/ -o /dev/null',
    source: 'RFC 9293 3.5.3',
    claim: onError(['reset'], 'the connection was closed too early', wholeWay),
  },
  {
    id: signatureId('bad-response'),
    pointsAt: ['origin', 'target'],
    phrase: 'get something that is not HTTP',
    meaning: 'The bytes are no valid HTTP answer, exceed its bounds, or cannot be decoded.',
    firstCheck: 'curl -sv --raw https://{host}/ -o /dev/null',
    source: 'RFC 9112 2.2, 7.1; threats H2, H3',
    claim: onError(['bad-response'], 'no valid HTTP answer', wholeWay),
  },
  {
    id: signatureId('body-too-large'),
    pointsAt: ['target'],
    phrase: 'get an answer without end',
    meaning: 'The decoded answer exceeded the bound of what is read.',
    firstCheck: "curl -s -o /dev/null -w '%{size_download}\\n' --max-time 10 https://{host}/",
    source: 'threats H2',
    claim: onError(['body-too-large'], 'the answer is too large', () => ['target']),
  },
];
