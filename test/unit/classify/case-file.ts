// Golden cases: recorded answers and what must be thought of them, one file each (test/fixtures/signatures/*.case).
//
//   key: value            the subject: visit | canary, path, expect, url, gate, status, contains, ... and `knows:`
//
//   > GET https://...     an exchange: `> Cookie: name` as sent, `! code phase` for a failure,
//   < 302                 the status, headers and, after an empty line, the body. `~ GET` instead of `> GET` is the
//   < Name: value         answer to a random host that canary no-route saw before.
//
//   ---
//   key: value            expected: verdict, signature, points-at, ...
//
// `{state URL}` stands for a JWT whose payload redirects to URL.

import { fingerprint } from '../../../src/classify/no-route.ts';
import type { CanaryKind, Visit } from '../../../src/model/check.ts';
import type { GateKind } from '../../../src/model/gate.ts';
import type { PathKind } from '../../../src/model/network-path.ts';
import type { ErrorCode, Exchange, Observation, Phase, SetCookie } from '../../../src/model/observation.ts';
import type { ExpectationKind } from '../../../src/model/target.ts';
import type { Fact, FactKind, Knowledge } from '../../../src/model/verdict.ts';
import {
  ADDRESS,
  canary,
  check,
  DAY,
  exchange,
  gate,
  knowing,
  NOW,
  networkPath,
  observation,
  state,
  TLS,
} from './subjects.ts';

export interface Case {
  readonly subject: ReturnType<typeof check> | ReturnType<typeof canary>;
  readonly seen: Observation;
  readonly knowledge: Knowledge;
  readonly expected: ReadonlyMap<string, string>;
}

export function parseCase(text: string): Case {
  const [recorded, wanted] = text.split(/^---\n/m);
  if (recorded === undefined || wanted === undefined) throw new Error('no --- line');
  const start = recorded.search(/^[>~] GET /m);
  const head = keyValues(start < 0 ? recorded : recorded.slice(0, start));
  const path = networkPath((head.get('path') ?? 'origin') as PathKind);
  const blocks = start < 0 ? [] : recorded.slice(start).split(/^(?=[>~] GET )/m);
  const all = blocks.map((block) => ({
    learned: block.startsWith('~'),
    exchange: parseExchange(block, path.kind),
  }));
  const exchanges = all.filter((each) => !each.learned).map((each) => withTls(each.exchange, head));
  const learned = all
    .filter((each) => each.learned)
    .map((each): Fact => {
      const zone = new URL(each.exchange.url).hostname.split('.').slice(1).join('.');
      return { kind: 'no-route', key: `${zone}@${path.name}`, value: fingerprint(each.exchange) };
    });
  const durationMs = Number(head.get('duration-ms') ?? 120);
  const stop = head.get('stop') as Observation['stop'] | undefined;
  return {
    subject: subjectOf(head, path),
    seen: observation(exchanges, { durationMs, ...(stop === undefined ? {} : { stop }) }),
    knowledge: knowing([...learned, ...knownFacts(head)], Number(head.get('known-ago-ms') ?? 0)),
    expected: keyValues(wanted),
  };
}

function keyValues(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const match = /^([a-z-]+):\s*(.*?)\s*$/.exec(line);
      if (match === null) throw new Error(`no key: ${line}`);
      return [match[1]!, match[2]!];
    }),
  );
}

function subjectOf(head: Map<string, string>, path: ReturnType<typeof networkPath>): Case['subject'] {
  const kind = (head.get('gate') ?? 'authentik') as GateKind | 'none';
  const callback = head.get('callback') ?? null;
  const clients = head.get('client') === undefined ? [] : [head.get('client')!];
  const owner = kind === 'none' ? null : gate({ kind, callback, clients });
  const url = head.get('url') ?? 'https://app.example.com/';
  const asked = head.get('canary');
  if (asked !== undefined) {
    return canary(asked as CanaryKind, { url, path: asked === 'control' ? null : path, gate: owner });
  }
  const list = (head.get('status') ?? '').split(',').filter((part) => part !== '');
  return check({
    visit: (head.get('visit') ?? 'fresh') as Visit,
    url,
    path,
    gate: owner,
    wake: head.get('wake') === 'never' ? 'never' : 'always',
    expect: {
      is: (head.get('expect') ?? 'login') as ExpectationKind,
      status: list.map(Number),
      contains: head.get('contains') ?? null,
      notContains: head.get('not-contains') ?? null,
      location: head.get('location') ?? null,
    },
  });
}

function knownFacts(head: Map<string, string>): Fact[] {
  return (head.get('knows') ?? '')
    .split(';')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [kind, key, value] = part.trim().split(' ');
      return { kind: kind as FactKind, key: key ?? '', value: value ?? '' };
    });
}

function withTls(seen: Exchange, head: Map<string, string>): Exchange {
  const days = head.get('certificate-days');
  return days === undefined ? seen : { ...seen, tls: { ...TLS, notAfter: NOW + Number(days) * DAY } };
}

function parseExchange(block: string, kind: PathKind): Exchange {
  const [front = '', ...rest] = block.trimEnd().split('\n\n');
  const lines = front.split('\n');
  const url = /^[>~] GET (\S+)/.exec(lines[0] ?? '')?.[1] ?? '';
  const headers: Record<string, string> = Object.create(null);
  const setCookies: SetCookie[] = [];
  const sentCookies: string[] = [];
  let remote: Exchange['remote'] = { address: ADDRESS[kind], port: 443 };
  let status: number | null = null;
  let error: Exchange['error'] = null;
  for (const line of lines.slice(1)) {
    const [, mark, rawText] = /^([<>!@]) (.*)$/.exec(line) ?? [];
    const text = rawText?.replaceAll(/\{state (\S+?)\}/g, (_, redirect: string) => state(redirect)) ?? '';
    const [, name, value] = /^([A-Za-z0-9-]+): ?(.*)$/.exec(text) ?? [];
    if (mark === '<' && /^\d+$/.test(text)) status = Number(text);
    else if (mark === '<' && name?.toLowerCase() === 'set-cookie') setCookies.push(setCookie(value ?? ''));
    else if (mark === '<' && name !== undefined) headers[name.toLowerCase()] = value ?? '';
    else if (mark === '>' && name === 'Cookie') sentCookies.push(...(value ?? '').split('; '));
    else if (mark === '@') remote = text === 'none' ? null : { address: text, port: 443 };
    else if (mark === '!') {
      const [code, phase] = text.split(' ');
      error = { phase: phase as Phase, code: code as ErrorCode, message: 'recorded' };
    } else throw new Error(`cannot read: ${line}`);
  }
  const body = rest.join('\n\n');
  const failed = error !== null && status === null;
  return exchange({
    url,
    remote,
    status,
    headers,
    setCookies,
    sentCookies,
    body,
    error,
    ...(failed ? { tls: null } : {}),
  });
}

function setCookie(line: string): SetCookie {
  const name = line.slice(0, line.indexOf('='));
  const seconds = /Max-Age=(-?\d+)/i.exec(line)?.[1];
  const maxAgeMs = seconds === undefined ? null : Number(seconds) * 1000;
  return { name, raw: line, deletes: maxAgeMs !== null && maxAgeMs <= 0, maxAgeMs };
}
