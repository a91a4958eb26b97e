// The log: pino, JSON lines on stdout, one child a room. What a reader cannot take is lost (log-sink.ts).

import { pino } from 'pino';
import { createLogSink } from './log-sink.ts';

export type Log = pino.Logger;

/** Longest text field of a log line, in characters. */
const FIELD_LIMIT = 512;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Logger on stdout; `clean` takes secrets out of the words of errors, which others wrote. */
export function createLog(level: LogLevel, clean: (text: string) => string = (text) => text): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: (error: unknown) => errorText(error, clean) },
    },
    createLogSink(1),
  );
}

/** Logger that says nothing, for tests and one-shot commands. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}

/** Message and causes of anything thrown, one line, cleaned, bounded; no stack, no request, no values. */
export function errorText(error: unknown, clean: (text: string) => string = (text) => text): string {
  const parts: string[] = [];
  for (let current: unknown = error; current !== undefined && current !== null && parts.length < 4; ) {
    parts.push(current instanceof Error ? current.message : String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  // Cleaned first: half of a secret would not be found.
  return clean(parts.join(': ')).replace(/\s+/g, ' ').slice(0, FIELD_LIMIT);
}
