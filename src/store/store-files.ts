// Where the files of a store are.

import type { Part } from './job.ts';

/** Pathnames of a store. */
export interface StoreFiles extends Readonly<Record<Part, string>> {
  readonly lock: string;
  readonly reserve: string;
  /** Folder of files that failed browser visits leave. */
  readonly artifacts: string;
}

/** Files of the store whose results are in `file`: the others lie beside it and are named after it. */
export function storeFiles(file: string): StoreFiles {
  const base = file.replace(/\.db$/, '');
  return {
    results: file,
    state: `${base}-state.db`,
    lock: `${base}.lock-file`,
    reserve: `${base}.reserve`,
    artifacts: `${base}.artifacts`,
  };
}
