// Metrics of the process itself, read at the scrape. prom-client's own set is not used: it samples the event loop
// every 10 ms, which keeps an idle daemon awake.

import { readdirSync, readFileSync } from 'node:fs';
import type { Sample } from './samples.ts';

const scalar = (value: number | null): Sample[] => (value === null ? [] : [{ labels: {}, value }]);

function openFds(): number | null {
  try {
    // The directory handle of this very call is one of them.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return null; // not Linux
  }
}

function maxFds(): number | null {
  try {
    const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line === null ? null : line[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line[1]);
  } catch {
    return null; // not Linux
  }
}

/** Readers of the process metrics; names and units as Prometheus' client libraries have them. */
export const processSamples = {
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return scalar((user + system) / 1e6);
  },
  resident: () => scalar(process.memoryUsage.rss()),
  startTime: () => scalar(performance.timeOrigin / 1000),
  openFds: () => scalar(openFds()),
  maxFds: () => scalar(maxFds()),
  heapTotal: () => scalar(process.memoryUsage().heapTotal),
  heapUsed: () => scalar(process.memoryUsage().heapUsed),
  external: () => scalar(process.memoryUsage().external),
};
