// What `check` shows of one target: a column for each visit and path, from DNS down to the verdict. Pure.

import { humanDuration } from '../base/duration.ts';
import { answeredBy } from '../model/answered-by.ts';
import { redactLocation, secretsOf } from '../model/evidence.ts';
import type { Exchange } from '../model/observation.ts';
import type { ProbeResult } from '../model/result.ts';
import { evidenceText } from '../model/text.ts';
import type { Verdict } from '../model/verdict.ts';
import { type Colour, type Print, pad, visibleWidth } from './print.ts';

const NOT_THERE = '–';
const DAY_MS = 86_400_000;
/** Widest cell: two columns and the names fit an 100-column terminal. */
const CELL_LIMIT = 40;

const VERDICT_LOOK: Record<Verdict, { colour: Colour; symbol: string }> = {
  up: { colour: 'green', symbol: '✔' },
  degraded: { colour: 'yellow', symbol: '▲' },
  down: { colour: 'red', symbol: '✘' },
  unknown: { colour: 'dim', symbol: '?' },
};

/** Lines of the table; every result is of the same target. */
export function checkTable(results: readonly ProbeResult[], now: number, print: Print): string[] {
  const rows: [string, string[]][] = [
    ['', results.map((result) => print.paint('bold', heading(result)))],
    ['address', results.map((result) => cell(last(result), addressOf))],
    ['DNS', results.map((result) => cell(first(result), dnsOf))],
    ['TCP', results.map((result) => cell(first(result), (exchange) => ms(exchange.timings.connectMs)))],
    ['TLS', results.map((result) => cell(first(result), tlsOf))],
    ['certificate', results.map((result) => cell(last(result), (exchange) => certificateOf(exchange, now)))],
    [
      'first byte',
      results.map((result) => cell(last(result), (exchange) => ms(exchange.timings.firstByteMs))),
    ],
    ['status', results.map(statusOf)],
    ['redirects to', results.map(redirectOf)],
    [
      'answered by',
      results.map((result) => cell(last(result), (exchange) => answeredBy(exchange) ?? NOT_THERE)),
    ],
    ['verdict', results.map((result) => verdictOf(result, print))],
  ];
  return layout(rows);
}

function layout(rows: readonly [string, string[]][]): string[] {
  const columns = rows[0]?.[1].length ?? 0;
  const widths = Array.from({ length: columns }, (_, index) =>
    Math.max(...rows.map(([, cells]) => visibleWidth(cells[index] ?? ''))),
  );
  return rows.map(([name, cells]) =>
    `  ${pad(name, 13)} ${cells.map((text, index) => pad(text, widths[index] ?? 0)).join('   ')}`.trimEnd(),
  );
}

function heading(result: ProbeResult): string {
  const { subject } = result;
  return subject.kind === 'visit' ? `${subject.visit} ${subject.path.name}` : subject.id;
}

const first = (result: ProbeResult): Exchange | undefined => result.observation.exchanges[0];
const last = (result: ProbeResult): Exchange | undefined => result.observation.exchanges.at(-1);

function cell(exchange: Exchange | undefined, show: (exchange: Exchange) => string): string {
  const text = exchange === undefined ? NOT_THERE : show(exchange);
  return evidenceText(text, CELL_LIMIT);
}

function ms(value: number | null): string {
  return value === null ? NOT_THERE : `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ms`;
}

function addressOf(exchange: Exchange): string {
  if (exchange.remote === null) return NOT_THERE;
  const { address, port } = exchange.remote;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function dnsOf(exchange: Exchange): string {
  if (exchange.resolver !== null) return `${ms(exchange.timings.dnsMs)} (${exchange.resolver})`;
  return exchange.error?.phase === 'dns' ? 'failed' : 'not asked';
}

function tlsOf(exchange: Exchange): string {
  if (exchange.tls !== null) return `${ms(exchange.timings.tlsMs)} ${exchange.tls.protocol}`;
  return exchange.error?.phase === 'tls' ? 'failed' : NOT_THERE;
}

function certificateOf(exchange: Exchange, now: number): string {
  if (exchange.tls === null) return NOT_THERE;
  const days = Math.floor((exchange.tls.notAfter - now) / DAY_MS);
  const name = exchange.tls.matchedName ?? 'other names';
  return days < 0 ? `${name}, expired ${-days} d ago` : `${name}, ${days} d left`;
}

/** All statuses on the way: `302 → 400`. */
function statusOf(result: ProbeResult): string {
  const statuses = result.observation.exchanges.map((exchange) => exchange.status ?? 'none');
  return statuses.length === 0 ? NOT_THERE : statuses.join(' → ');
}

function redirectOf(result: ProbeResult): string {
  const exchange = last(result);
  const location = exchange?.headers['location'];
  if (exchange === undefined || location === undefined) return NOT_THERE;
  const shown = redactLocation(location, exchange.url, secretsOf(result.subject, result.observation));
  const url = URL.parse(shown);
  return evidenceText(url === null || url.host === '' ? shown : url.host + url.pathname, CELL_LIMIT);
}

function verdictOf(result: ProbeResult, print: Print): string {
  const { verdict, signature } = result.judgement;
  const { colour, symbol } = VERDICT_LOOK[verdict];
  const what =
    signature === null
      ? `${verdict} in ${humanDuration(result.observation.durationMs)}`
      : `${verdict} ${signature}`;
  return print.paint(colour, `${symbol} ${what}`);
}

/** One target of many on one line: a symbol for each visit and path, and what is wrong. */
export function matrixLine(target: string, results: readonly ProbeResult[], print: Print): string {
  const cells = results.map((result) => {
    const { colour, symbol } = VERDICT_LOOK[result.judgement.verdict];
    return `${print.paint(colour, symbol)} ${heading(result)}`;
  });
  const wrong = results.find((result) => result.judgement.signature !== null)?.judgement.signature ?? '';
  return `  ${pad(target, 40)} ${cells.join('  ')}  ${wrong}`.trimEnd();
}
