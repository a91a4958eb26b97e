// One of the processes of the benchmark: plays trials one after the other.

import type { Size } from '../../world/site.ts';
import { ROWS } from './rows.ts';

export interface Task {
  readonly row: string;
  readonly size: Size;
  readonly seed: number;
}

process.on('message', ({ row, size, seed }: Task) => {
  const found = ROWS.find(({ id }) => id === row);
  if (found === undefined) throw new Error(`no row ${row}`);
  process.send?.(found.run(size, seed));
});
