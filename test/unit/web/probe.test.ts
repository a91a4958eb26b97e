// `GET /probe` without sockets: which target a question means, what the answer looks like, who may ask.

import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import type { Check } from '../../../src/model/check.ts';
import { toProbeReport } from '../../../src/model/probe-report.ts';
import type { TargetStatus } from '../../../src/model/snapshot.ts';
import { mayProbe, type RequestFacts } from '../../../src/web/access.ts';
import type { WebOptions } from '../../../src/web/options.ts';
import { parseProbeQuery } from '../../../src/web/probe-query.ts';
import { type Probed, probeDebug, probeMetrics } from '../../../src/web/probe-text.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';

function target(url: string, paths: readonly string[] = ['cdn', 'origin']): TargetStatus {
  const { host, pathname } = new URL(url);
  const id = `${host}${pathname === '/' ? '' : pathname}`;
  return {
    id,
    url,
    paths,
    zone: 'example.com',
    gate: null,
    expect: {},
    labels: {},
    source: 'static',
    sources: ['static'],
    drift: [],
    isNew: false,
    checks: [],
  };
}

const TARGETS = [
  target('https://grafana.example.com/'),
  target('https://git.example.com:8443/login', ['origin']),
  target('http://plain.example.com/'),
  target('https://twin.example.com/'),
  target('https://twin.example.com:8443/'),
];

const asked = (query: Record<string, string>, timeout: string | null = null) =>
  parseProbeQuery(new URLSearchParams(query), timeout, TARGETS);

describe('a question', () => {
  test.each<[string, Record<string, string>, string, string]>([
    ['a URL', { target: 'https://grafana.example.com' }, 'grafana.example.com', 'cdn'],
    [
      'a URL in other letters',
      { target: 'HTTPS://Grafana.Example.com:443/#top' },
      'grafana.example.com',
      'cdn',
    ],
    ['a target id', { target: 'git.example.com:8443/login' }, 'git.example.com:8443/login', 'origin'],
    ['an id of plain http', { target: 'plain.example.com' }, 'plain.example.com', 'cdn'],
    ['another path', { target: 'grafana.example.com', path: 'origin' }, 'grafana.example.com', 'origin'],
    [
      'an address with a hostname',
      { target: 'http://10.0.0.5:8080/login', hostname: 'git.example.com' },
      'git.example.com:8443/login',
      'origin',
    ],
    [
      'a hostname with a port that decides between two',
      { target: 'https://10.0.0.5:8443', hostname: 'twin.example.com' },
      'twin.example.com:8443',
      'cdn',
    ],
  ])('%s means a configured target', (_, query, id, path) => {
    expect(asked(query)).toEqual({
      wish: { target: id, path, module: 'http_2xx', patienceMs: null },
      debug: false,
    });
  });

  test.each([
    [{}, 'Target parameter is missing'],
    [{ target: '' }, 'Target parameter is missing'],
    [
      { target: 'grafana.example.com', module: 'tcp_connect' },
      'Unknown module; there are http_2xx and fresh',
    ],
    [{ target: 'grafana.example.com', module: '__proto__' }, 'Unknown module; there are http_2xx and fresh'],
    [{ target: 'git.example.com:8443/login', path: 'cdn' }, 'Unknown path; this target has origin'],
    [
      { target: 'https://10.0.0.5:9', hostname: 'twin.example.com' },
      'Several targets have this hostname and pathname',
    ],
  ])('%j is refused: %s', (query, problem) => {
    expect(asked(query)).toBe(problem);
  });

  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://localhost:10780/-/reload',
    'https://evil.example/',
    'https://grafana.example.com.evil.example/',
    'https://grafana.example.com@evil.example/',
    'https://user:secret@grafana.example.com/',
    'https://evil.example/?https://grafana.example.com/',
    'https://evil.example#https://grafana.example.com/',
    'https://evil.example\\@grafana.example.com/',
    'https:\\\\evil.example\\grafana.example.com',
    '//evil.example/',
    'http://grafana.example.com/',
    'https://plain.example.com/',
    'https://grafana.example.com:8443/',
    'https://grafana.example.com/admin',
    'https://grafana.example.com/?x=1',
    'https://grafana.example.com/%2e%2e/admin',
    'https://grafana.example.com/..;/admin',
    'https://grafana.example.com./',
    'https://gr\u0430fana.example.com/',
    'https://*.example.com/',
    'ftp://grafana.example.com/',
    'file:///etc/passwd',
    'gopher://grafana.example.com/',
    'javascript:alert(1)',
    'data:text/plain,x',
    'dns://example.com',
    'unix:/run/docker.sock',
    'https://grafana.example.com\r\nHost: evil.example',
    'https://grafana.example.com%00.evil.example/',
    'https://[fe80::1%25eth0]/',
    'https://',
    ' ',
    '__proto__',
    'constructor',
    `https://${'a'.repeat(10_000)}.example.com/`,
  ])('%j is no configured target, and the answer repeats nothing of it', (text) => {
    for (const hostname of ['', 'evil.example', '169.254.169.254', 'grafana.example.com@evil.example']) {
      const answer = asked({ target: text, hostname });
      expect(answer).toMatch(
        /^The target is not (configured; only configured targets are probed|an http or https URL without credentials)$/,
      );
    }
  });

  test.each([
    [null, null],
    ['15', 14_500],
    ['2.5', 2_000],
    ['0.3', 100],
    ['-1', null],
    ['1e308', null],
    ['soon', null],
  ])('a scrape time-out of %s leaves %s ms', (seconds, patienceMs) => {
    expect(asked({ target: 'grafana.example.com' }, seconds)).toMatchObject({ wish: { patienceMs } });
  });

  test('debug is on when it says true', () => {
    expect(asked({ target: 'grafana.example.com', debug: 'true' })).toMatchObject({ debug: true });
    expect(asked({ target: 'grafana.example.com', debug: '1' })).toMatchObject({ debug: false });
  });
});

const AT = Date.UTC(2026, 3, 18);
const TLS = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  matchedName: '*.example.com',
  issuer: 'Example CA',
  notBefore: AT,
  notAfter: AT + 86_400_000,
  fingerprint: 'AB',
};

/** Two hops: a redirect to the gate's endpoint, and its redirect to the login. */
function probed(part: Partial<Parameters<typeof probeResult>[0]> = {}, ageMs = 0): Probed {
  const timings = { dnsMs: 8, connectMs: 10, tlsMs: 20, firstByteMs: 40, transferMs: 2 };
  const hop = exchange({ timings, tls: TLS });
  const result = probeResult({ at: AT, durationMs: 160, exchanges: [hop, hop], ...part });
  const check = { ...(result.subject as Check), path: { name: 'cdn', http: 1 } } as Check;
  return { kind: 'result', report: toProbeReport(check, result), ageMs };
}

const samples = (text: string): string[] => text.split('\n').filter((line) => line !== '' && line[0] !== '#');

describe('an answer', () => {
  test("has blackbox_exporter's metrics", async () => {
    expect(samples(await probeMetrics(probed()))).toEqual([
      'probe_success 1',
      'probe_duration_seconds 0.16',
      'probe_dns_lookup_time_seconds 0.008',
      'probe_ip_protocol 4',
      'probe_http_duration_seconds{phase="resolve"} 0.016',
      'probe_http_duration_seconds{phase="connect"} 0.02',
      'probe_http_duration_seconds{phase="tls"} 0.04',
      'probe_http_duration_seconds{phase="processing"} 0.08',
      'probe_http_duration_seconds{phase="transfer"} 0.004',
      'probe_http_status_code 302',
      'probe_http_content_length -1',
      'probe_http_uncompressed_body_length 12',
      'probe_http_redirects 1',
      'probe_http_ssl 1',
      'probe_http_version 1.1',
      `probe_ssl_earliest_cert_expiry ${AT / 1000 + 86_400}`,
      'probe_tls_version_info{version="TLS 1.3"} 1',
      'gatewatch_probe_age_seconds 0',
      'gatewatch_probe_info{visit="fresh",path="cdn",verdict="up",signature=""} 1',
    ]);
  });

  test.each([
    ['up', 1],
    ['degraded', 1],
    ['down', 0],
    ['unknown', 0],
  ] as const)('%s is probe_success %i', async (verdict, success) => {
    expect(samples(await probeMetrics(probed({ verdict })))).toContain(`probe_success ${success}`);
  });

  test('that never came leaves zeros, and no certificate', async () => {
    const timings = { dnsMs: 8, connectMs: null, tlsMs: null, firstByteMs: null, transferMs: null };
    const none = exchange({ status: null, headers: {}, remote: null, timings, bodyBytes: 0 });
    const lines = samples(await probeMetrics(probed({ verdict: 'down', exchanges: [none] })));
    expect(lines).toContain('probe_http_status_code 0');
    expect(lines).toContain('probe_ip_protocol 0');
    expect(lines).toContain('probe_http_version 0');
    expect(lines).toContain('probe_http_ssl 0');
    expect(lines.join()).not.toMatch(/probe_ssl|probe_tls/);
    expect(samples(await probeMetrics(probed({ verdict: 'unknown', exchanges: [] })))).toContain(
      'probe_http_redirects 0',
    );
  });

  test('over IPv6 says so, and a hostile length is unknown', async () => {
    const odd = exchange({
      remote: { address: '2606:4700::1', port: 443 },
      headers: { 'content-length': '9e999' },
    });
    const lines = samples(await probeMetrics(probed({ exchanges: [odd] })));
    expect(lines).toContain('probe_ip_protocol 6');
    expect(lines).toContain('probe_http_content_length -1');
  });

  test('from the last result tells its age', async () => {
    expect(samples(await probeMetrics(probed({}, 4_200)))).toContain('gatewatch_probe_age_seconds 4.2');
  });

  test('that takes longer than Prometheus waits is a failure', async () => {
    const lines = samples(await probeMetrics({ kind: 'late', waitedMs: 9_500 }));
    expect(lines).toContain('probe_success 0');
    expect(lines).toContain('probe_duration_seconds 9.5');
    expect(lines.join()).not.toContain('gatewatch_probe_info');
  });

  test('keeps the registries of two requests apart', async () => {
    await probeMetrics(probed());
    expect(await probeMetrics(probed())).toBe(await probeMetrics(probed()));
  });

  test('for people shows evidence without a secret', async () => {
    const text = await probeDebug(
      probed({ verdict: 'down', signature: 'gate-no-session', reason: 'an empty 400' }),
    );
    expect(text).toContain('Verdict: down (gate-no-session): an empty 400\n');
    expect(text).toContain(
      '"location": "https://auth.example.com/application/o/authorize/?client_id=abc&state=…"',
    );
    expect(text).toContain('probe_success 0');
    expect(text).not.toMatch(/SECRET|secret=query/);
  });
});

const PLAIN: WebOptions = { listen: { host: '127.0.0.1', port: 10_780 }, url: null, hosts: [], auth: null };
const WIDE: WebOptions = { ...PLAIN, listen: { host: '0.0.0.0', port: 10_780 } };
const LOCKED: WebOptions = {
  ...WIDE,
  auth: { basic: { username: 'ops', password: new Secret('correct horse battery') }, tokens: [] },
};
const token = (...may: ('read' | 'metrics' | 'probe' | 'run')[]) =>
  ({ kind: 'token', name: 'prometheus', may: new Set(may) }) as const;

describe('who may probe', () => {
  test.each<[string, WebOptions, Partial<RequestFacts>, true | 401 | 403]>([
    ['Prometheus on this machine', PLAIN, {}, true],
    ['somebody on the network without a password', WIDE, { peer: '10.0.0.9' }, 403],
    ['somebody without credentials', LOCKED, {}, 401],
    ['the operator', LOCKED, { identity: { kind: 'basic', name: 'ops' } }, true],
    ['a token for it', LOCKED, { identity: token('probe') }, true],
    ['a token for other things', LOCKED, { identity: token('read', 'metrics', 'run') }, 403],
    ['another site through a browser', PLAIN, { secFetchSite: 'cross-site' }, 403],
    [
      'a sibling site through the browser of the operator',
      LOCKED,
      { secFetchSite: 'same-site', identity: { kind: 'basic', name: 'ops' } },
      403,
    ],
    ['the address bar', PLAIN, { secFetchSite: 'none' }, true],
    ['a reverse proxy without a password', PLAIN, { headerNames: new Set(['x-forwarded-for']) }, 403],
  ])('%s', (_, options, part, expected) => {
    const facts: RequestFacts = {
      peer: '127.0.0.1',
      host: '127.0.0.1:10780',
      origin: null,
      headerNames: new Set(),
      secFetchSite: null,
      identity: null,
      ...part,
    };
    const decision = mayProbe(facts, options);
    expect(decision.allowed || decision.status).toBe(expected);
  });
});
