// A time limit for parsers that cannot be told to stop: V8 enforces it.

import { runInNewContext } from 'node:vm';
import { lackOfDescriptors } from './exhaustion.ts';

/** What the event loop of V8's time limit may need: epoll, wake-up and signal descriptors, with room to spare. */
const LIMIT_DESCRIPTORS = 8;

/**
 * What `parse` returns; or why it does not: `late`, `failed` (it threw, or ran out of stack), or that the process
 * lacks descriptors, in words.
 */
export function inTime<Value>(
  parse: () => Value,
  limitMs: number,
): { readonly value: Value } | { readonly why: 'late' | 'failed' } | { readonly lack: string } {
  // Node ends the whole process when a time limit finds no descriptors for its own event loop.
  const lack = lackOfDescriptors(LIMIT_DESCRIPTORS);
  if (lack !== null) return { lack };
  try {
    return { value: runInNewContext('parse()', { parse }, { timeout: Math.ceil(limitMs) }) as Value };
  } catch (error) {
    // Of the other realm: no `Error` of ours.
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
    return { why: code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? 'late' : 'failed' };
  }
}
