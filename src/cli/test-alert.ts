// `gatewatch test-alert`: sends a real, short alert to the receivers, and says whom it would have reached.

import { type Clock, systemClock } from '../base/clock.ts';
import { alertContext } from '../config/alert-text.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { testAlert } from '../notify/alert.ts';
import type { TestReport } from '../notify/delivery.ts';
import { createDriver } from '../notify/receivers.ts';
import { USER_AGENT } from '../pipeline.ts';
import { type Command, UsageError } from './contract.ts';
import type { Print } from './print.ts';
import { DEFAULT_FILE } from './run.ts';

const LIMIT_MS = 60_000;

export const testAlertCommand: Command = {
  name: 'test-alert',
  usage: '[RECEIVER …] [--config FILE]',
  summary: 'Send a test alert to the receivers, and say whom a real one would reach.',
  help: [
    'Sends GatewatchTest and ends it at once. From Alertmanager it is read back, with the receivers it was routed to.',
    'Exit 1 when a receiver did not take it.',
  ],
  options: { config: { type: 'string', short: 'c' }, json: { type: 'boolean' } },
  takesNames: true,
  async run({ options, positionals, environment, print }) {
    const { config } = loadConfig({ file: String(options['config'] ?? DEFAULT_FILE) }, environment);
    const unknown = positionals.find((name) => !config.receivers.some((receiver) => receiver.name === name));
    if (unknown !== undefined) throw new UsageError(`no receiver '${unknown}' in the configuration`);
    if (config.receivers.length === 0) {
      print.note('the configuration has no receivers: nobody would be told');
      return 1;
    }
    const names = positionals.length === 0 ? null : positionals;
    const tools = { clock: systemClock, signal: AbortSignal.timeout(LIMIT_MS) };
    const reports = await testReceivers(config, names, tools);
    if (options['json'] === true) print.json(reports);
    else for (const { receiver, report } of reports) printReport(receiver, report, print);
    return reports.every(({ report }) => report.ok) ? 0 : 1;
  },
};

function printReport(receiver: string, report: TestReport, print: Print): void {
  const mark = report.ok ? print.paint('green', '✔') : print.paint('red', '✘');
  print.line(`${mark} ${receiver}: ${report.detail}`);
  if (report.reaches !== null)
    print.line(`    a real alert like it reaches: ${report.reaches.join(', ') || 'nobody'}`);
}

/** Sends a short alert to each receiver of those names (null = all) and tells what came of it. */
async function testReceivers(
  config: Config,
  names: readonly string[] | null,
  tools: { clock: Clock; signal: AbortSignal },
): Promise<{ receiver: string; report: TestReport }[]> {
  const { clock, signal } = tools;
  const chosen = config.receivers.filter(({ name }) => names === null || names.includes(name));
  return Promise.all(
    chosen.map(async (receiver) => {
      const { ca, web } = config;
      const driver = createDriver(receiver, { clock, userAgent: USER_AGENT, ca, webUrl: web.url });
      const report = await driver.test(testAlert(alertContext(config), clock.now()), signal);
      await driver.close();
      return { receiver: receiver.name, report };
    }),
  );
}
