// Priority queue of instants: a binary heap, smallest first.

export interface Due<Key> {
  /** Monotonic ms. */
  readonly at: number;
  readonly key: Key;
}

export class DueQueue<Key> {
  readonly #heap: Due<Key>[] = [];

  /** The earliest, or undefined when empty. */
  peek(): Due<Key> | undefined {
    return this.#heap[0];
  }

  push(at: number, key: Key): void {
    const heap = this.#heap;
    let index = heap.push({ at, key }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) break;
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
      const right = left + 1;
      const child = this.#at(right) < this.#at(left) ? right : left;
      if (child >= heap.length || !this.#swapIfEarlier(child, index)) return first;
      index = child;
    }
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #at(index: number): number {
    return this.#heap[index]?.at ?? Number.POSITIVE_INFINITY;
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const a = this.#heap[child];
    const b = this.#heap[parent];
    if (a === undefined || b === undefined || a.at >= b.at) return false;
    this.#heap[child] = b;
    this.#heap[parent] = a;
    return true;
  }
}
