// Words and marks of the pages: instants, verdicts, visits, links. Times are UTC and say so.

import { html } from 'hono/html';
import { humanDuration } from '../../base/duration.ts';
import type { EpochMs } from '../../model/observation.ts';
import type { Verdict } from '../../model/verdict.ts';
import type { Tone } from '../standing.ts';

/** A piece of a page; made by `html` alone, so that every value in it is escaped. */
export type Markup = ReturnType<typeof html>;

/** `09:12 UTC` today, else `2026-04-18 09:12 UTC`. */
export function clockTime(at: EpochMs, now: EpochMs): string {
  const text = new Date(at).toISOString();
  const sameDay = text.slice(0, 10) === new Date(now).toISOString().slice(0, 10);
  return `${sameDay ? '' : `${text.slice(0, 10)} `}${text.slice(11, 16)} UTC`;
}

/** Machine-readable instant with the text that people read. */
export function time(at: EpochMs, text: string): Markup {
  return html`<time datetime="${new Date(at).toISOString()}" title="${new Date(at).toISOString()}">${text}</time>`;
}

/** `12 s ago`, `in 3 min`, `now`. */
export function relative(at: EpochMs, now: EpochMs): string {
  const ms = now - at;
  if (Math.abs(ms) < 1_000) return 'now';
  // Whole seconds: a page is no stopwatch.
  const text = humanDuration(Math.max(1_000, Math.round(Math.abs(ms) / 1000) * 1000));
  return ms > 0 ? `${text} ago` : `in ${text}`;
}

/** Symbol, word and colour of a verdict; colour never stands alone. */
export function mark(verdict: Verdict | null): { symbol: string; word: string; tone: Tone } {
  switch (verdict) {
    case 'up':
      return { symbol: '✓', word: 'up', tone: 'good' };
    case 'degraded':
      return { symbol: '!', word: 'slow', tone: 'warn' };
    case 'down':
      return { symbol: '✕', word: 'down', tone: 'bad' };
    case 'unknown':
      return { symbol: '?', word: 'unknown', tone: 'wait' };
    case null:
      return { symbol: '·', word: 'no result yet', tone: 'wait' };
  }
}

/** Symbol of a tone. */
export const TONE_SYMBOL: Readonly<Record<Tone, string>> = { good: '✓', warn: '!', bad: '✕', wait: '·' };

/** Who a kind of visit stands for. Later visits show under their own name. */
export function visitWords(visit: string): { who: string; how: string } {
  switch (visit) {
    case 'fresh':
      return { who: 'Strangers', how: 'first visit, no cookie' };
    case 'return':
      return { who: 'Returning', how: 'with a kept cookie' };
    case 'session':
      return { who: 'Signed in', how: 'with a kept session' };
    case 'login':
      return { who: 'Logging in', how: 'from the login to the app' };
    default:
      return { who: visit, how: '' };
  }
}

/** Pathname of a check's page. */
export function checkHref(id: string): string {
  return `/checks/${encodeURIComponent(id)}`;
}

/** Pathname of an incident's page. */
export function incidentHref(id: string): string {
  return `/incidents/${encodeURIComponent(id)}`;
}

/** `0.98` as `98 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `12 ms`, `1.2 s`; a dash for what was not reached. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}
