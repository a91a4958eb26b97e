// The log: pino, JSON lines on stdout, one child a room. Asynchronous and bounded: a stalled reader loses lines,
// not memory (threats M22).

import { pino } from 'pino';

export type Log = pino.Logger;

/** Longest text field of a log line, in characters. */
const FIELD_LIMIT = 512;
/** Bytes waiting for a stalled reader before lines are dropped. */
const BUFFER_BYTES = 1024 * 1024;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Logger on stdout. */
export function createLog(level: LogLevel): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: errorText },
    },
    pino.destination({ dest: 1, sync: false, maxLength: BUFFER_BYTES }),
  );
}

/** Logger that says nothing, for tests and one-shot commands. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}

/** Message and causes of anything thrown, one line, bounded; no stack, no request, no values. */
export function errorText(error: unknown): string {
  const parts: string[] = [];
  for (let current: unknown = error; current !== undefined && current !== null && parts.length < 4; ) {
    parts.push(current instanceof Error ? current.message : String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(': ').replace(/\s+/g, ' ').slice(0, FIELD_LIMIT);
}
