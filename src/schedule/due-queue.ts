// Priority queue: a binary heap, smallest first, and of equals the one that came first.

export interface Due<Key> {
  /** What the order is by: an instant in monotonic ms. */
  readonly at: number;
  readonly key: Key;
}

interface Entry<Key> extends Due<Key> {
  readonly turn: number;
}

export class DueQueue<Key> {
  readonly #heap: Entry<Key>[] = [];
  #turn = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest, or undefined when empty. */
  peek(): Due<Key> | undefined {
    return this.#heap[0];
  }

  push(at: number, key: Key): void {
    const heap = this.#heap;
    this.#turn += 1;
    let index = heap.push({ at, key, turn: this.#turn }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) break;
      this.#swap(index, parent);
      index = parent;
    }
  }

  /** Takes the earliest out. */
  pop(): Due<Key> | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      const child = this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(child, index)) return first;
      this.#swap(child, index);
      index = child;
    }
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #isBefore(one: number, other: number): boolean {
    const a = this.#heap[one];
    const b = this.#heap[other];
    if (a === undefined || b === undefined) return false;
    return a.at < b.at || (a.at === b.at && a.turn < b.turn);
  }

  #swap(one: number, other: number): void {
    const a = this.#heap[one];
    const b = this.#heap[other];
    if (a === undefined || b === undefined) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}
