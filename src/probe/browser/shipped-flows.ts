// Flows that come with the program, by name.

import { readdirSync } from 'node:fs';
import { extname } from 'node:path';

/** Beside `src`, in the sources and in what is compiled of them. */
const FOLDER = new URL('../../../probes/', import.meta.url);
const ENDING = `.flow${extname(import.meta.url)}`;

/** Names of the flows that ship. */
export function shippedFlows(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length));
}

/** URL of the file of a flow that ships, or null. */
export function shippedFlow(name: string): string | null {
  return shippedFlows().includes(name) ? new URL(`${name}${ENDING}`, FOLDER).href : null;
}
