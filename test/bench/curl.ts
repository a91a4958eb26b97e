// curl as a reference: a new process for each probe, as a shell script or a cron job does it.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** CPU of one probe by a process of its own, ms. */
export async function curlCpuMs(options: {
  readonly count: number;
  readonly rootFile: string;
  readonly port: number;
}): Promise<number> {
  const { count, rootFile, port } = options;
  const url = `https://a.probe.test:${port}/`;
  const probe = `curl -sf -o /dev/null --cacert ${rootFile} --resolve a.probe.test:${port}:127.0.0.1 ${url}`;
  // `times`: the second line is user and system time of the children that ended, as 0m1.230s.
  const script = `i=0; while [ $i -lt ${count} ]; do ${probe} || exit 1; i=$((i+1)); done; times`;
  const { stdout } = await run('sh', ['-c', script]);
  const spent = [...(stdout.trim().split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  const seconds = spent.reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
  return (seconds * 1000) / count;
}
