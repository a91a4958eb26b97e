// What a process costs, as Linux counts it: CPU of all its threads, and resident memory.

import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc/PID/stat: fixed for user space on Linux (USER_HZ). */
const TICK_MS = 10;

/** CPU time of a process so far, all threads, user and system, in ms (10 ms steps). */
export function cpuMs(pid: number): number {
  const [user, system] = statFields(pid).slice(11, 13);
  return (Number(user) + Number(system)) * TICK_MS;
}

/** Fields of /proc/PID/stat from the third on: what stands before may hold spaces (proc(5)). */
function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Resident memory of a process now, in MiB. */
export function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
