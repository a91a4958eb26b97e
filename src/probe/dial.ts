// Connections: one TCP and TLS handshake to one checked address, timed, never resumed. SNI and the name that the
// certificate must cover are the host's of the URL, whatever address is dialled.

import { X509Certificate } from 'node:crypto';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type DetailedPeerCertificate,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { Clock } from '../base/clock.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Phase, ProbeError, TlsFacts } from '../model/observation.ts';
import { evidenceText } from '../model/text.ts';
import { probeError, toProbeError } from './net-error.ts';

type PathTls = NetworkPath['tls'];

/** Where to connect, and as what. */
export interface Destination {
  /** Checked by the address guard; never a name. */
  readonly address: string;
  readonly port: number;
  /** Host of the URL, without brackets or a trailing dot. */
  readonly host: string;
  readonly secure: boolean;
  /** ALPN: 2 offers h2 before http/1.1, 1 offers http/1.1 alone. */
  readonly http: 1 | 2;
  /** Trust and client certificate of the path; null = the process's own trust. */
  readonly tls: PathTls | null;
}

/** How far a connection came. With an error the socket is gone; facts seen until then stay. */
export interface Connection {
  readonly socket: Socket | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly tls: TlsFacts | null;
  readonly error: ProbeError | null;
}

export type Dial = (destination: Destination, signal: AbortSignal) => Promise<Connection>;

/**
 * A dialler; never rejects. `ca` are further trusted roots (PEM) of paths without their own. When the signal aborts,
 * the phase it happened in fails with `connect-timeout` or `timeout`; whoever aborted knows better.
 */
export function createDial(tools: { readonly clock: Clock; readonly ca: readonly string[] }): Dial {
  const contextOf = createContexts(tools.ca);

  return async (destination, signal) => {
    const startMs = tools.clock.monotonic();
    const since = (fromMs: number): number => tools.clock.monotonic() - fromMs;
    const failed = { socket: null, connectMs: null, tlsMs: null, tls: null };
    const tcp = connectTcp({
      host: destination.address,
      port: destination.port,
      autoSelectFamily: false,
      noDelay: true,
    });
    const noTcp = await settled(tcp, 'connect', 'connect', signal);
    if (noTcp !== null) return { ...failed, error: noTcp };
    const connectMs = since(startMs);
    if (!destination.secure) return { ...failed, socket: tcp, connectMs, error: null };

    const tlsStartMs = tools.clock.monotonic();
    const socket = connectTls({
      socket: tcp,
      ...tlsOptions(destination),
      secureContext: contextOf(destination.tls),
    });
    socket.getPeerCertificate = noLegacyCertificate;
    const noTls = await settled(socket, 'secureConnect', 'tls', signal);
    if (noTls !== null) {
      tcp.destroy();
      return { ...failed, connectMs, error: noTls };
    }
    const tlsMs = since(tlsStartMs);
    const { facts, error } = examine(socket, destination);
    if (error !== null) socket.destroy();
    return { socket: error === null ? socket : null, connectMs, tlsMs, tls: facts, error };
  };
}

function tlsOptions(destination: Destination): ConnectionOptions {
  return {
    host: destination.host,
    // RFC 6066 3: no IP addresses in SNI.
    servername: isIP(destination.host) === 0 ? destination.host : '',
    ALPNProtocols: destination.http === 2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    // Not an off switch: Node still verifies the chain, and `examine` refuses the connection before the first byte of
    // ours. Only so can a bad certificate be shown: Node destroys the socket, and the facts, otherwise.
    rejectUnauthorized: false,
    // The name is checked by `examine`, on the certificate itself and more strictly.
    checkServerIdentity: () => undefined,
  };
}

/**
 * Node turns the whole chain into plain objects for its name check, which costs a sixth of a probe
 * (reference/performance.md 6) for a check that `examine` does itself. Should Node ask another way one day, only the
 * speed is lost.
 */
function noLegacyCertificate(): DetailedPeerCertificate {
  return {} as DetailedPeerCertificate;
}

/** The certificate's facts, and why the connection must not be used. */
function examine(
  socket: TLSSocket,
  destination: Destination,
): { facts: TlsFacts | null; error: ProbeError | null } {
  const certificate = peerCertificate(socket);
  const facts = certificate === null ? null : tlsFacts(socket, certificate, destination.host);
  if (destination.tls?.verify === 'none') return { facts, error: null };
  if (!socket.authorized) return { facts, error: toProbeError(verifyError(socket), 'tls') };
  // Stricter than Node's own check, which takes a bare common name and `gr*.example.com` (threats M26, C4).
  const covered = facts !== null && facts.matchedName !== null;
  return { facts, error: covered ? null : probeError('tls', 'tls-wrong-host') };
}

/**
 * The leaf, from its bytes: `getPeerX509Certificate` of Node 24 copies all others of the chain and never frees what it
 * copied, 5 KB a certificate and connection (`X509Certificate::GetPeerCert` in crypto_x509.cc drops them from OpenSSL's
 * list by sk_X509_delete). Null when there is none, or none that can be read a second time.
 */
function peerCertificate(socket: TLSSocket): X509Certificate | null {
  Reflect.deleteProperty(socket, 'getPeerCertificate'); // ours is only for the handshake
  const raw: Buffer | undefined = socket.getPeerCertificate(false).raw;
  try {
    return raw === undefined ? null : new X509Certificate(raw);
  } catch {
    return null;
  }
}

/** Node gives the verification's code as a bare string, or an Error for a wrong name. */
function verifyError(socket: TLSSocket): object {
  const reason: unknown = socket.authorizationError;
  if (reason instanceof Error) return reason;
  return { code: typeof reason === 'string' ? reason : 'CERT_UNTRUSTED' };
}

function tlsFacts(socket: TLSSocket, certificate: X509Certificate, host: string): TlsFacts {
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
    matchedName: matchedName(certificate, host),
    issuer: issuerText(certificate),
    notBefore: certificate.validFromDate.getTime() || 0,
    notAfter: certificate.validToDate.getTime() || 0,
    fingerprint: certificate.fingerprint256,
  };
}

/** Issuer on one line; '' when the certificate names none (Node then gives undefined, whatever its types say). */
function issuerText(certificate: X509Certificate): string {
  const issuer: string | undefined = certificate.issuer;
  return evidenceText((issuer ?? '').replaceAll('\n', ', '));
}

/** SAN entry that covers the host by today's rules: no common name, no partial wildcard. Null when none does. */
function matchedName(certificate: X509Certificate, host: string): string | null {
  if (isIP(host) !== 0) return certificate.checkIP(host) ?? null;
  return certificate.checkHost(host, { subject: 'never', partialWildcards: false }) ?? null;
}

/**
 * One secure context for each path's options, made at first use: a root list for each connection costs 12 ms and
 * a megabyte (reference/performance.md 6). A path's own `ca` replaces the general one, and both add to the system's.
 */
function createContexts(generalCa: readonly string[]): (tls: PathTls | null) => SecureContext {
  const make = (tls: PathTls | null): SecureContext => {
    const own = tls?.ca ?? [];
    const more = own.length > 0 ? own : generalCa;
    return createSecureContext({
      ...(more.length > 0 ? { ca: [...getCACertificates('default'), ...more] } : {}),
      ...(tls?.cert == null ? {} : { cert: tls.cert }),
      ...(tls?.key == null ? {} : { key: tls.key }),
    });
  };
  const made = new WeakMap<PathTls, SecureContext>();
  let general: SecureContext | null = null;
  return (tls) => {
    if (tls === null || (tls.ca.length === 0 && tls.cert === null)) {
      general ??= make(null);
      return general;
    }
    const context = made.get(tls) ?? make(tls);
    made.set(tls, context);
    return context;
  };
}

/** Null once the socket has emitted `event`; what went wrong otherwise. Errors that come later are swallowed. */
function settled(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  phase: Phase,
  signal: AbortSignal,
): Promise<ProbeError | null> {
  return new Promise((resolve) => {
    const finish = (error: ProbeError | null): void => {
      signal.removeEventListener('abort', stop);
      // For the socket's life: an error nobody listens to would end the process, and an alert after the handshake is
      // one that leaves the socket open.
      socket.on('error', end);
      socket.off(event, succeed).off('error', fail).off('close', closed);
      if (error !== null) socket.destroy();
      resolve(error);
    };
    const stop = (): void => finish(probeError(phase, phase === 'connect' ? 'connect-timeout' : 'timeout'));
    const succeed = (): void => finish(null);
    const fail = (error: Error): void => finish(toProbeError(error, phase));
    const closed = (): void => finish(probeError(phase, 'reset'));
    socket.on(event, succeed).on('error', fail).on('close', closed);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function end(this: Socket): void {
  this.destroy();
}
