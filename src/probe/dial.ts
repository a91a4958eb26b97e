// Connections: one TCP and TLS handshake to one checked address, timed, never resumed. SNI and the name that the
// certificate must cover are the host's of the URL, whatever address is dialled.

import type { X509Certificate } from 'node:crypto';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
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
    // Not an off switch: Node still verifies chain and name, and `examine` refuses the connection before the first
    // byte of ours. Only so can a bad certificate be shown: Node destroys the socket, and the facts, otherwise.
    rejectUnauthorized: false,
  };
}

/** The certificate's facts, and why the connection must not be used. */
function examine(
  socket: TLSSocket,
  destination: Destination,
): { facts: TlsFacts | null; error: ProbeError | null } {
  const certificate = socket.getPeerX509Certificate();
  const facts = certificate === undefined ? null : tlsFacts(socket, certificate, destination.host);
  if (destination.tls?.verify === 'none') return { facts, error: null };
  if (!socket.authorized) return { facts, error: toProbeError(verifyError(socket), 'tls') };
  // Stricter than Node's own check, which takes a bare common name and `gr*.example.com` (threats M26, C4).
  const covered = facts !== null && facts.matchedName !== null;
  return { facts, error: covered ? null : probeError('tls', 'tls-wrong-host') };
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
    issuer: evidenceText(certificate.issuer.replaceAll('\n', ', ')),
    notBefore: certificate.validFromDate.getTime() || 0,
    notAfter: certificate.validToDate.getTime() || 0,
    fingerprint: certificate.fingerprint256,
  };
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
      if (error !== null) socket.destroy();
      resolve(error);
    };
    const stop = (): void => finish(probeError(phase, phase === 'connect' ? 'connect-timeout' : 'timeout'));
    socket.once(event, () => finish(null));
    // Stays for the socket's life: an error nobody listens to would end the process.
    socket.on('error', (error) => finish(toProbeError(error, phase)));
    socket.once('close', () => finish(probeError(phase, 'reset')));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
