// The one table of all metrics (DESIGN 8). A metric with `read` is computed at each scrape from the live state, so
// series of what was removed drop by themselves; the others grow with each result (metrics.ts).
// Names and labels are a public face: test/fixtures/metrics.txt holds them, README explains them.

import { processSamples } from './process-samples.ts';
import * as samples from './samples.ts';

/** One metric as declared. `help` is a sentence. */
export interface MetricText {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds in seconds, histograms only. */
  readonly buckets?: readonly number[];
  /** Series at a scrape; null or an empty list means no series. */
  readonly read?: (state: samples.LiveState) => samples.Sample[];
}

/** From 1 ms (a loopback connect) to 10 s, the default time-out of a probe. */
const PHASE_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LAG_BUCKETS = [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];

export const CATALOGUE = {
  gatewatch_build_info: {
    type: 'gauge',
    labels: ['version', 'node_version'],
    help: 'Version of gatewatch and of Node.js; the value is always 1.',
    read: samples.buildInfo,
  },
  gatewatch_demo: {
    type: 'gauge',
    labels: [],
    help: 'Whether the daemon watches its built-in demo site (1) or a configured one (0).',
    read: samples.demo,
  },
  gatewatch_check_up: {
    type: 'gauge',
    labels: ['target', 'path', 'visit'],
    help: 'Whether the last result of a check was up or degraded (1) or down (0); absent while unknown.',
    read: samples.checkUp,
  },
  gatewatch_canary_up: {
    type: 'gauge',
    labels: ['canary', 'component', 'name'],
    help: 'Whether the last result of a canary was up (1) or down (0); absent while unknown.',
    read: samples.canaryUp,
  },
  gatewatch_check_last_run_timestamp_seconds: {
    type: 'gauge',
    labels: ['target', 'path', 'visit'],
    help: 'When the last probe of a check started; check_up holds the result of that probe.',
    read: samples.checkLastRun,
  },
  gatewatch_probes_total: {
    type: 'counter',
    labels: ['path', 'visit'],
    help: 'Probes executed; canaries count with visit="canary".',
  },
  gatewatch_probe_failures_total: {
    type: 'counter',
    labels: ['path', 'visit', 'signature'],
    help: 'Probes that ended down or unknown, by the signature of their result.',
  },
  gatewatch_probe_skips_total: {
    type: 'counter',
    labels: ['path', 'visit', 'reason'],
    help: 'Probes that were due and did not run.',
  },
  gatewatch_probe_phase_seconds: {
    type: 'histogram',
    labels: ['path', 'phase'],
    help: 'Time that requests spent in each phase.',
    buckets: PHASE_BUCKETS,
  },
  gatewatch_component_suspicion: {
    type: 'gauge',
    labels: ['component', 'name'],
    help: 'Posterior probability that a component is at fault, 0 to 1.',
    read: samples.suspicion,
  },
  gatewatch_incident_active: {
    type: 'gauge',
    labels: ['component', 'name'],
    help: 'Open and recovering incidents about a component.',
    read: samples.incidentActive,
  },
  gatewatch_sessions_created_total: {
    type: 'counter',
    labels: ['gate'],
    help: 'Tokens taken for fresh visits: sessions the probing may have made at an outpost.',
    read: samples.sessionsCreated,
  },
  gatewatch_sessions_seen_total: {
    type: 'counter',
    labels: ['gate'],
    help: 'New session cookies that an outpost was seen to set.',
    read: samples.sessionsSeen,
  },
  gatewatch_session_budget_per_second: {
    type: 'gauge',
    labels: ['gate'],
    help: 'Fresh visits a second that the session budget of an outpost allows; absent where they cost nothing.',
    read: samples.sessionBudget,
  },
  gatewatch_sessions_held: {
    type: 'gauge',
    labels: ['gate'],
    help: 'Sessions of this daemon that an outpost is estimated to hold.',
    read: samples.sessionsHeld,
  },
  gatewatch_path_requests_total: {
    type: 'counter',
    labels: ['path'],
    help: 'Requests sent over a path.',
  },
  gatewatch_certificate_not_after_timestamp_seconds: {
    type: 'gauge',
    labels: ['certificate'],
    help: 'End of validity of a certificate, as name@path, at the last handshake.',
    read: samples.certificates,
  },
  gatewatch_scheduler_lag_seconds: {
    type: 'histogram',
    labels: [],
    help: 'Time between the moment a probe was due and its start.',
    buckets: LAG_BUCKETS,
  },
  gatewatch_notifications_total: {
    type: 'counter',
    labels: ['receiver'],
    help: 'Deliveries that a receiver accepted.',
  },
  gatewatch_notification_failures_total: {
    type: 'counter',
    labels: ['receiver', 'reason'],
    help: 'Deliveries that failed, retries included.',
  },
  gatewatch_notification_queue_length: {
    type: 'gauge',
    labels: ['receiver'],
    help: 'Deliveries that wait for a receiver.',
    read: samples.queueLength,
  },
  gatewatch_discovery_last_success_timestamp_seconds: {
    type: 'gauge',
    labels: ['source'],
    help: 'When what a source of targets lists was last confirmed.',
    read: samples.discoverySuccess,
  },
  gatewatch_config_last_reload_successful: {
    type: 'gauge',
    labels: [],
    help: 'Whether the last attempt to load the configuration succeeded.',
    read: samples.reloadSuccessful,
  },
  gatewatch_config_last_reload_success_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    help: 'When the configuration in use was loaded.',
    read: samples.reloadedAt,
  },
  gatewatch_store_size_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Size of the store on disk.',
    read: samples.storeSize,
  },
  process_cpu_seconds_total: {
    type: 'counter',
    labels: [],
    help: 'Total user and system CPU time spent in seconds.',
    read: processSamples.cpu,
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Resident memory size in bytes.',
    read: processSamples.resident,
  },
  process_start_time_seconds: {
    type: 'gauge',
    labels: [],
    help: 'Start time of the process since unix epoch in seconds.',
    read: processSamples.startTime,
  },
  process_open_fds: {
    type: 'gauge',
    labels: [],
    help: 'Number of open file descriptors; only on Linux.',
    read: processSamples.openFds,
  },
  process_max_fds: {
    type: 'gauge',
    labels: [],
    help: 'Maximum number of open file descriptors; only on Linux.',
    read: processSamples.maxFds,
  },
  nodejs_heap_size_total_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Heap reserved by V8 in bytes.',
    read: processSamples.heapTotal,
  },
  nodejs_heap_size_used_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Heap used by V8 in bytes.',
    read: processSamples.heapUsed,
  },
  nodejs_external_memory_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Memory outside the V8 heap that is held by JavaScript objects, in bytes.',
    read: processSamples.external,
  },
} as const satisfies Record<string, MetricText>;

export type MetricName = keyof typeof CATALOGUE;
