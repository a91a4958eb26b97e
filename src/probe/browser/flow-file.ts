// Loads a flow's file in the child process. `#flow` means ours there, wherever the file lies: a mounted folder has no
// package of its own that could say so.

import { registerHooks } from 'node:module';
import { extname } from 'node:path';
import type { Flow } from '../flow-script.ts';

/** Beside this file's folder, with its ending: `.ts` from the sources, `.js` compiled. */
const FLOW_SCRIPT = new URL(`../flow-script${extname(import.meta.url)}`, import.meta.url);

/** The flow of a file; rejects when there is none. The file is code of the operator's, like the configuration. */
export async function loadFlow(url: string): Promise<Flow> {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === '#flow' ? { url: FLOW_SCRIPT.href, shortCircuit: true } : next(specifier, context),
  });
  const loaded: { flow?: unknown } = await import(url);
  if (!isFlow(loaded.flow)) throw new Error('it has no `export const flow = defineFlow(…)`');
  return loaded.flow;
}

function isFlow(value: unknown): value is Flow {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'name' in value && typeof value.name === 'string' && 'run' in value && typeof value.run === 'function'
  );
}
