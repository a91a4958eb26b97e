// A process with everything that comes of it: children, what they started in a session of their own, and what lost its
// parent before anybody looked, by a mark in its environment. Linux only, by /proc; elsewhere nothing is found, and the process group has to do.

import { readdirSync, readFileSync } from 'node:fs';

/** Bytes of a page: 4 KiB on the architectures that Chromium is packaged for. */
const PAGE_BYTES = 4096;

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Ticks since boot: tells a process from the next one with its number. */
  readonly startedAt: string;
}

export class ProcessTree {
  /** Number and start of all that ever belonged to it and may still have relatives. */
  #members = new Map<number, string>();

  readonly #mark: string;

  /**
   * `root` must lead a group and session of its own: the relatives of ours must not be taken for its. `mark` is a text
   * that only its environment, and arguments made of it, hold: the folder it works in.
   */
  constructor(root: number, mark: string) {
    this.#mark = mark;
    const entry = readEntry(root);
    if (entry !== null) this.#members.set(root, entry.startedAt);
  }

  /** Numbers of the living members. Looks anew: what is started between two looks is found by its relatives. */
  look(): readonly number[] {
    const living = readEntries();
    const found = new Map<number, Entry>();
    for (const entry of living)
      if (this.#members.get(entry.pid) === entry.startedAt) found.set(entry.pid, entry);
    // A session or group carries the number of its leader, dead or alive.
    const belongs = ({ parent, group, session }: Entry): boolean =>
      found.has(parent) ||
      this.#knows(group) ||
      this.#knows(session) ||
      found.has(group) ||
      found.has(session);
    for (let grown = true; grown; ) {
      grown = false;
      for (const entry of living) {
        if (found.has(entry.pid) || !belongs(entry)) continue;
        found.set(entry.pid, entry);
        grown = true;
      }
    }
    // A dead leader is remembered as long as somebody of its group or session lives, and its number is not used again.
    const leaders = new Set([...found.values()].flatMap(({ group, session }) => [group, session]));
    const kept = [...this.#members].filter(([pid]) => !found.has(pid) && leaders.has(pid));
    this.#members = new Map([
      ...kept,
      ...[...found.values()].map(({ pid, startedAt }) => [pid, startedAt] as const),
    ]);
    return [...found.keys()];
  }

  /** Memory that the members do not share with others, bytes. */
  memoryBytes(): number {
    let bytes = 0;
    for (const pid of this.look()) {
      const [, resident = 0, shared = 0] = (read(`/proc/${pid}/statm`) ?? '').split(' ').map(Number);
      bytes += Math.max(0, resident - shared) * PAGE_BYTES;
    }
    return bytes;
  }

  /** Kills all members but `except`, and what they start meanwhile. */
  kill(except: number | null = null): void {
    // Who is killed no longer starts anything: a second round finds what was being started in the first.
    for (let round = 0; round < 3; round += 1) {
      this.#findMarked();
      const victims = this.look().filter((pid) => pid !== except);
      if (victims.length === 0) return;
      for (const pid of victims) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // Gone already.
        }
      }
    }
  }

  /** Whoever has the mark is a member, whatever became of its parents. */
  #findMarked(): void {
    for (const { pid, startedAt } of readEntries()) {
      if (this.#members.has(pid)) continue;
      const isMarked = ['environ', 'cmdline'].some((what) =>
        read(`/proc/${pid}/${what}`)?.includes(this.#mark),
      );
      if (isMarked) this.#members.set(pid, startedAt);
    }
  }

  #knows(leader: number): boolean {
    return this.#members.has(leader);
  }
}

function readEntries(): readonly Entry[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  return names.filter((name) => /^\d+$/.test(name)).flatMap((name) => readEntry(Number(name)) ?? []);
}

/** A living process; a zombie has no memory, starts nothing and is its parent's business. */
function readEntry(pid: number): Entry | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name, in parentheses, may hold anything: the fields begin behind its end (proc_pid_stat(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startedAt: fields[19] ?? '',
  };
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}
