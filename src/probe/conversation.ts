// What one request and its response come to, whatever protocol carries them: the head is judged, the body read, the
// phase and the times kept. The carriers (http1.ts, http2.ts) only report what arrives.

import type { Clock } from '../base/clock.ts';
import type { Phase, ProbeError } from '../model/observation.ts';
import { type Body, type BodyLedger, type BodyReader, createBodyReader } from './body.ts';
import { INFORMATIONAL_LIMIT } from './limits.ts';
import { probeError } from './net-error.ts';
import { type Head, readHead } from './response-head.ts';

const UNDECODABLE = 'the body is not in the coding it names, or in one nobody asked for';

export interface Ask {
  readonly url: URL;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Text to POST; without it the request is a GET. A secret, usually. */
  readonly post?: string;
  /** Decoded bytes of the body that are kept. */
  readonly bodyLimitBytes: number;
}

export interface Reply {
  readonly status: number | null;
  readonly head: Head | null;
  readonly body: Body | null;
  /** From the request sent to the first byte of the answer. */
  readonly firstByteMs: number | null;
  readonly transferMs: number | null;
  readonly error: ProbeError | null;
}

export interface Conversation {
  /** Where it is now. */
  readonly phase: Phase;
  /** Resolves once: null when enough was read, else what went wrong. */
  readonly settled: Promise<ProbeError | null>;
  settle(error: ProbeError | null): void;
  /** The request has been written. */
  sent(): void;
  firstByte(): void;
  /** A response's head, informational ones too; `resume` lets a paused body go on. */
  head(status: number, lines: readonly (readonly [string, string])[], resume: () => void): void;
  /** A piece of the body; `pause` until `resume`. */
  data(piece: Buffer): 'more' | 'pause' | 'stop';
  /** The reply as far as it came; once, after `settled`. */
  reply(error: ProbeError | null): Promise<Reply>;
}

export function createConversation(
  bodyLimitBytes: number,
  tools: { readonly clock: Clock; readonly ledger: BodyLedger },
): Conversation {
  const { clock, ledger } = tools;
  const { promise: settled, resolve: settle } = Promise.withResolvers<ProbeError | null>();
  let phase: Phase = 'request';
  let informational = 0;
  let status: number | null = null;
  let head: Head | null = null;
  let reader: BodyReader | null = null;
  let sentAtMs = clock.monotonic();
  let firstByteAtMs: number | null = null;

  return {
    settled,
    settle,
    get phase() {
      return phase;
    },
    sent() {
      sentAtMs = clock.monotonic();
      phase = 'headers';
    },
    firstByte() {
      firstByteAtMs ??= clock.monotonic();
    },
    head(code, lines, resume) {
      phase = 'headers';
      if (code < 200) {
        informational += 1;
        if (informational > INFORMATIONAL_LIMIT) settle(probeError('headers', 'bad-response'));
        return;
      }
      head = readHead(lines, clock.now());
      if (head === null) {
        return settle(probeError('headers', 'bad-response', 'the head of the answer is too large'));
      }
      status = code;
      phase = 'body';
      const { headers } = head;
      reader = createBodyReader({
        headers,
        limitBytes: bodyLimitBytes,
        ledger,
        resume,
        stop: () => settle(null),
      });
    },
    data(piece) {
      const wish = reader?.write(piece) ?? 'stop';
      if (wish === 'stop') settle(null);
      return wish;
    },
    async reply(error) {
      const endMs = clock.monotonic();
      const body = (await reader?.end()) ?? null;
      return {
        status,
        head,
        body,
        firstByteMs: firstByteAtMs === null ? null : Math.max(0, firstByteAtMs - sentAtMs),
        transferMs: firstByteAtMs === null ? null : endMs - firstByteAtMs,
        error: error ?? (body?.undecodable ? probeError('body', 'bad-response', UNDECODABLE) : null),
      };
    },
  };
}
