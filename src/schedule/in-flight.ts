// What is being probed right now: limits in total and per host, so that no probe loads a small app (threats B7).

/** Probes of one host at the same time. */
const MOST_PER_HOST = 2;

export class InFlight {
  readonly #concurrency: number;
  readonly #hosts = new Map<string, number>();
  #total = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  get total(): number {
    return this.#total;
  }

  /** Whether nothing more may start at all. */
  get full(): boolean {
    return this.#total >= this.#concurrency;
  }

  hasRoom(host: string): boolean {
    return !this.full && (this.#hosts.get(host) ?? 0) < MOST_PER_HOST;
  }

  enter(host: string): void {
    this.#total += 1;
    this.#hosts.set(host, (this.#hosts.get(host) ?? 0) + 1);
  }

  leave(host: string): void {
    this.#total -= 1;
    const left = (this.#hosts.get(host) ?? 1) - 1;
    if (left > 0) this.#hosts.set(host, left);
    else this.#hosts.delete(host);
  }
}
