// The demo: the site with its faults and the daemon that watches it, in this one process.

import { fileURLToPath } from 'node:url';
import { systemClock } from '../base/clock.ts';
import { FAULTS } from '../demo/faults.ts';
import type { ExitCode, Invocation } from './contract.ts';
import { runDaemon } from './daemon.ts';
import type { Print } from './print.ts';

/** Where the demo's page listens, unless --listen says otherwise. */
export const USUAL_LISTEN = '127.0.0.1:10780';
const DEMO_FILE = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));

/** Runs site and daemon until SIGTERM or SIGINT, with those faults on from the start. */
export async function runDemo(options: {
  print: Print;
  faults: readonly string[];
  listen: string;
  /** Environment of the caller: how the program was started. */
  caller: Invocation['environment'];
}): Promise<ExitCode> {
  const { print } = options;
  // Loaded here alone: its certificate authority would cost every daemon 5 MB of memory.
  const { startSite } = await import('../demo/site.ts');
  await using site = await startSite({
    clock: systemClock,
    ring: ({ title, text }) => {
      print.line();
      print.line(print.paint('bold', `  ☎ ${title}`));
      print.line(`    ${text}`);
    },
  });
  for (const fault of options.faults) site.set(fault, true);
  return await runDaemon({
    source: { file: DEMO_FILE },
    environment: { ...site.environment, GATEWATCH_DEMO_LISTEN: options.listen },
    quiet: true,
    demo: {
      faults: () => site.faults().map(({ id, title, on }) => ({ id, title, on })),
      set: (id, on) => site.set(id, on),
    },
    announce: (url) => introduce(print, url, { faults: options.faults, program: calledAs(options.caller) }),
  });
}

/** How a person calls this program again: in a clone it is an npm script, and the shell knows no `gatewatch`. */
function calledAs(environment: Invocation['environment']): string {
  const script = environment['npm_lifecycle_event'];
  return script === 'start' || script === 'gatewatch' ? 'npm run gatewatch --' : 'gatewatch';
}

function introduce(print: Print, url: string, options: { faults: readonly string[]; program: string }): void {
  const { faults, program } = options;
  const { host } = new URL(url);
  const there = host === USUAL_LISTEN ? '' : ` --listen ${host}`;
  print.line();
  print.line(
    `${print.paint('bold', 'gatewatch')} is watching its demo site: 37 services behind a CDN, a proxy and a login gate.`,
  );
  print.line();
  print.line(`  Page               ${print.paint('cyan', url)}   (with switches for the faults)`);
  print.line(
    `  Break something    ${program} demo --fault session-store-full${there}   (in a second terminal)`,
  );
  print.line(`  Mend it            ${program} demo --fault session-store-full --off${there}`);
  print.line(`  Faults             ${FAULTS.map((fault) => fault.id).join(', ')}`);
  print.line();
  print.line(
    `  Your own site      ${program} check https://grafana.example.com --origin 203.0.113.10:443 --gate https://auth.example.com`,
  );
  print.line('                     then write gatewatch.yaml (see config/example.yaml) and start again');
  print.line();
  if (faults.length > 0) print.line(`  On from the start: ${faults.join(', ')}`);
  print.line('Alerts appear here as they would on a phone. Ctrl-C ends the demo.');
}
