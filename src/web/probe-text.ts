// The answer of `GET /probe` as text: blackbox_exporter's metrics (its prober/http.go and prober/handler.go have the
// names), in a registry of their own, so that dashboards and rules made for it work unchanged.

import { isIP } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import type { Evidence } from '../model/evidence.ts';
import type { Timings } from '../model/observation.ts';
import type { ProbeOutcome, ProbeReport } from '../model/probe-report.ts';

/** Headers of Prometheus' text format 0.0.4, which prom-client writes. */
export const EXPOSITION = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };

/** An outcome that something was sent for. */
export type Probed = Exclude<ProbeOutcome, { kind: 'not-run' }>;

/** Their names for what we measure. */
const PHASES: readonly (readonly [string, keyof Timings])[] = [
  ['resolve', 'dnsMs'],
  ['connect', 'connectMs'],
  ['tls', 'tlsMs'],
  ['processing', 'firstByteMs'],
  ['transfer', 'transferMs'],
];

interface Row {
  readonly name: string;
  readonly help: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The exposition text of one probe. */
export function probeMetrics(probed: Probed): Promise<string> {
  const registry = new Registry();
  const gauges = new Map<string, Gauge>();
  for (const { name, help, labels = {}, value } of rowsOf(probed)) {
    const labelNames = Object.keys(labels);
    const gauge = gauges.get(name) ?? new Gauge({ name, help, labelNames, registers: [registry] });
    gauges.set(name, gauge);
    gauge.set(labels, value);
  }
  return registry.metrics();
}

/** For people: what was found, the evidence with its secrets left out, and the metrics. */
export async function probeDebug(probed: Probed): Promise<string> {
  const metrics = await probeMetrics(probed);
  if (probed.kind === 'late') {
    return `The probe had not ended after ${probed.waitedMs / 1000} s; its result is stored when it has.\n\nMetrics:\n${metrics}`;
  }
  const { report, ageMs } = probed;
  const { check, verdict, signature, reason, evidence } = report;
  return [
    `Check: ${check}`,
    `Verdict: ${verdict}${signature === null ? '' : ` (${signature})`}: ${reason}`,
    `Probed: ${ageMs === 0 ? 'now' : `${(ageMs / 1000).toFixed(1)} s ago; once in 10 s is enough`}`,
    '',
    'Evidence:',
    JSON.stringify(evidence, null, 2),
    '',
    'Metrics:',
    metrics,
  ].join('\n');
}

function rowsOf(probed: Probed): Row[] {
  const report = probed.kind === 'result' ? probed.report : null;
  const seconds = (probed.kind === 'late' ? probed.waitedMs : probed.report.durationMs) / 1000;
  return [
    { name: 'probe_success', help: 'Displays whether or not the probe was a success', value: isUp(report) },
    {
      name: 'probe_duration_seconds',
      help: 'Returns how long the probe took to complete in seconds',
      value: seconds,
    },
    ...httpRows(report),
    ...tlsRows(report),
    {
      name: 'gatewatch_probe_age_seconds',
      help: 'How long ago the probe ended whose result this is; 0 when it ran for this request.',
      value: probed.kind === 'result' ? probed.ageMs / 1000 : 0,
    },
    ...infoRows(report),
  ];
}

/** 1 up or degraded. A probe that says nothing about the target is no success; `gatewatch_probe_info` tells it apart. */
function isUp(report: ProbeReport | null): 0 | 1 {
  return report?.verdict === 'up' || report?.verdict === 'degraded' ? 1 : 0;
}

/** All of these are there, as 0, also when no answer came: theirs are. */
function httpRows(report: ProbeReport | null): Row[] {
  const evidence = report?.evidence ?? [];
  const answer = evidence.findLast(({ status }) => status !== null) ?? null;
  return [
    {
      name: 'probe_dns_lookup_time_seconds',
      help: 'Returns the time taken for probe dns lookup in seconds',
      value: (evidence[0]?.timings.dnsMs ?? 0) / 1000,
    },
    {
      name: 'probe_ip_protocol',
      help: 'Specifies whether probe ip protocol is IP4 or IP6',
      value: protocolOf(evidence),
    },
    ...PHASES.map(([phase, field]) => ({
      name: 'probe_http_duration_seconds',
      help: 'Duration of http request by phase, summed over all redirects',
      labels: { phase },
      value: evidence.reduce((sum, { timings }) => sum + (timings[field] ?? 0), 0) / 1000,
    })),
    {
      name: 'probe_http_status_code',
      help: 'Response HTTP status code',
      value: answer?.status ?? 0,
    },
    {
      name: 'probe_http_content_length',
      help: 'Length of http content response',
      value: answer === null ? 0 : lengthOf(answer),
    },
    {
      name: 'probe_http_uncompressed_body_length',
      help: 'Length of uncompressed response body',
      value: answer?.bodyBytes ?? 0,
    },
    {
      name: 'probe_http_redirects',
      help: 'The number of redirects',
      value: Math.max(0, evidence.length - 1),
    },
    {
      name: 'probe_http_ssl',
      help: 'Indicates if SSL was used for the final redirect',
      value: answer?.url.startsWith('https:') === true ? 1 : 0,
    },
    {
      name: 'probe_http_version',
      help: 'Returns the version of HTTP of the probe response',
      value: answer === null ? 0 : report?.http === 2 ? 2 : 1.1,
    },
  ];
}

/** Absent without TLS. */
function tlsRows(report: ProbeReport | null): Row[] {
  const notAfter = report?.evidence.at(-1)?.certificate?.notAfter;
  const version = tlsVersion(report?.tlsProtocol ?? null);
  return [
    ...(notAfter === undefined
      ? []
      : [
          {
            name: 'probe_ssl_earliest_cert_expiry',
            help: 'Returns when the certificate of the last answer expires, in unixtime',
            value: Math.round(notAfter / 1000),
          },
        ]),
    ...(version === null
      ? []
      : [
          {
            name: 'probe_tls_version_info',
            help: 'Returns the TLS version used or NaN when unknown',
            labels: { version },
            value: 1,
          },
        ]),
  ];
}

function infoRows(report: ProbeReport | null): Row[] {
  if (report === null) return [];
  const { visit, path, verdict, signature } = report;
  return [
    {
      name: 'gatewatch_probe_info',
      help: 'What was probed and the verdict with its signature; the value is always 1.',
      labels: { visit, path, verdict, signature: signature ?? '' },
      value: 1,
    },
  ];
}

/** IP version of the first address dialled; 0 when it never came to that. */
function protocolOf(evidence: readonly Evidence[]): number {
  const remote = evidence.find((each) => each.remote !== null)?.remote ?? '';
  return isIP(remote.slice(0, remote.lastIndexOf(':')));
}

/** As declared by the server; -1 when it does not say (Go's net/http, whose value theirs is). */
function lengthOf({ headers }: Evidence): number {
  const text = headers['content-length'] ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : -1;
}

/** Go's name of a TLS version: `TLS 1.3` for OpenSSL's `TLSv1.3`. */
function tlsVersion(protocol: string | null): string | null {
  const version = /^TLSv(1(?:\.\d)?)$/.exec(protocol ?? '')?.[1];
  if (version === undefined) return null;
  return `TLS ${version === '1' ? '1.0' : version}`;
}
