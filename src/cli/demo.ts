// `gatewatch demo`: the demo site with its faults; in a second terminal it switches faults of the running demo.

import { request } from 'undici';
import { FAULTS } from '../demo/faults.ts';
import { type Command, type ExitCode, UsageError } from './contract.ts';
import { runDemo, USUAL_LISTEN } from './demo-site.ts';
import type { Print } from './print.ts';

const ANSWER_MS = 5_000;

export const demoCommand: Command = {
  name: 'demo',
  usage: '[--fault NAME …] [--off] [--listen IP:PORT]',
  summary: 'Run the built-in demo site and watch it; --fault switches a fault on.',
  help: [
    'The page listens on 127.0.0.1:10780, or where --listen says.',
    'When a demo runs already, --fault NAME switches that fault on in it, and --fault NAME --off switches it off.',
    '',
    'Faults:',
    ...FAULTS.flatMap((fault) => [`  ${fault.id}`, `      ${fault.description}`]),
  ],
  options: {
    fault: { type: 'string', multiple: true },
    off: { type: 'boolean' },
    listen: { type: 'string' },
  },
  takesNames: false,
  async run({ options, environment, print }) {
    const faults = [options['fault'] ?? []].flat().map(String);
    const unknown = faults.find((id) => !FAULTS.some((fault) => fault.id === id));
    if (unknown !== undefined) {
      throw new UsageError(`no fault '${unknown}'; there are ${FAULTS.map((fault) => fault.id).join(', ')}`);
    }
    const on = options['off'] !== true;
    const listen = typeof options['listen'] === 'string' ? options['listen'] : USUAL_LISTEN;
    if (!/^(\[[^\]]+\]|[\d.]+):\d{1,5}$/.test(listen)) {
      throw new UsageError('--listen: expected an IP address and a port, like 127.0.0.1:10780');
    }
    if (!on && faults.length === 0) throw new UsageError('--off needs a --fault');
    const switched = faults.length > 0 ? await switchFaults(faults, { on, listen }, print) : null;
    if (switched !== null) return switched;
    if (!on) {
      print.note(`gatewatch demo: no demo runs on ${listen}`);
      return 1;
    }
    return runDemo({ print, faults, listen, caller: environment });
  },
};

/** Switches faults of the demo that runs; null when none runs. */
async function switchFaults(
  faults: readonly string[],
  wanted: { on: boolean; listen: string },
  print: Print,
): Promise<ExitCode | null> {
  const { on, listen } = wanted;
  for (const fault of faults) {
    const status = await post(`http://${listen}/api/v1/demo/faults/${fault}`, { on });
    if (status === null) return null;
    if (status !== 200) {
      const why =
        status === 404 ? `what runs on ${listen} is no demo` : `the running demo answered ${status}`;
      print.note(`gatewatch demo: ${why}`);
      return 1;
    }
    print.line(`${fault} is ${on ? 'on' : 'off'}`);
  }
  return 0;
}

/** Status of the answer; null when nobody listens. */
async function post(url: string, body: unknown): Promise<number | null> {
  try {
    const response = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await response.body.dump();
    return response.statusCode;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return null;
    throw error;
  }
}
