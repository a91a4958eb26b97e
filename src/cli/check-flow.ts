// `gatewatch check --flow FILE URL`: one browser visit by a flow, now, step by step. For whoever writes a flow.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Clock, keepAlive } from '../base/clock.ts';
import { createStallWatch } from '../base/stall.ts';
import type { Config } from '../config/config.ts';
import type { Check } from '../model/check.ts';
import type { ProbeResult } from '../model/result.ts';
import { targetId } from '../model/target.ts';
import { createProbing, probeOnce } from '../pipeline.ts';
import { type ArtifactFiles, createArtifactFiles } from '../probe/browser/artifact-files.ts';
import { shippedFlow } from '../probe/browser/shipped-flows.ts';
import { createCodes } from '../probe/one-time-code.ts';
import { plan } from '../schedule/plan.ts';
import { storeFiles } from '../store/store-files.ts';
import { type ExitCode, UsageError } from './contract.ts';
import type { Earlier } from './earlier.ts';
import { type Print, pad } from './print.ts';

const CODE_STEP_MS = 30_000;

/** Signs in once by the flow, over the first path of the target that can be used. */
export async function checkFlow(
  wish: { readonly flow: string; readonly url: string },
  tools: {
    readonly config: Config;
    readonly clock: Clock;
    readonly earlier: Earlier;
    readonly print: Print;
    readonly signal: AbortSignal;
  },
): Promise<ExitCode> {
  const { config, clock, earlier, print, signal } = tools;
  const check = checkOf(wish, config, earlier);
  if (check.gate !== null && !earlier.takeSession(check.gate.outpost)) {
    print.note('not visited: a login costs a session, and the session budget has no tokens left');
    return 1;
  }
  const artifacts = createArtifactFiles(storeFiles(resolve(config.store.file)).artifacts, clock);
  using _alive = keepAlive();
  using stall = createStallWatch(clock);
  // The code of this moment may have been used by the daemon: the next one has not.
  const used = Math.floor(clock.now() / CODE_STEP_MS);
  const { stages } = createProbing(config, {
    ...{ clock, stall, knowledge: earlier.knowledge, jars: null, artifacts },
    codes: createCodes({ clock, lastStep: () => used, spend: () => Promise.resolve() }),
  });
  print.progress(`visiting ${check.target.id} over ${check.path.name}`);
  const result = await probeOnce(check, { extra: true }, stages, signal);
  print.progress('');
  printFlow(result, artifacts, storeFiles(resolve(config.store.file)).artifacts, print);
  return result.judgement.verdict === 'up' || result.judgement.verdict === 'degraded' ? 0 : 1;
}

function checkOf(wish: { flow: string; url: string }, config: Config, { knowledge }: Earlier): Check {
  const id = URL.canParse(wish.url) ? targetId(new URL(wish.url)) : wish.url;
  const target = config.targets.find((one) => one.id === id);
  if (target === undefined)
    throw new UsageError(`${wish.url} is no target of the configuration; see gatewatch validate`);
  const file = shippedFlow(wish.flow) ?? pathToFileURL(resolve(wish.flow)).href;
  if (!existsSync(fileURLToPath(file))) throw new UsageError(`there is no flow ${wish.flow}`);
  const browser = { everyMs: 0, flow: file, targets: [target.id], account: null };
  const { flow: _, ...plain } = target;
  const site = { ...config, targets: [plain], checks: { ...config.checks, browser }, knowledge };
  const check = plan(site).find((subject) => subject.kind === 'visit' && subject.visit === 'browser');
  if (check?.kind !== 'visit')
    throw new UsageError(
      `nobody can log in at ${target.id}: it takes expect: login, an https gate, and an account with a password`,
    );
  return check;
}

function printFlow(
  { subject, observation, judgement }: ProbeResult,
  artifacts: ArtifactFiles,
  folder: string,
  print: Print,
): void {
  const { flow } = observation;
  print.line(print.paint('bold', subject.id));
  const width = Math.max(0, ...(flow?.steps ?? []).map(({ name }) => name.length));
  for (const { name, durationMs, failed } of flow?.steps ?? []) {
    const mark = failed === null ? print.paint('green', '✔') : print.paint('red', '✘');
    const took = `${Math.round(durationMs)} ms`.padStart(9);
    print.line(`${mark} ${pad(name, width)} ${took}${failed === null ? '' : `  ${failed}`}`);
  }
  for (const { url, type, status, error } of flow?.page?.failedResources ?? [])
    print.line(`  ${print.paint('yellow', 'not loaded')} ${type} ${url}: ${error ?? status ?? 'no answer'}`);
  print.line(`${judgement.verdict}: ${judgement.reason}`);
  const id = flow?.artifacts ?? null;
  if (id !== null && artifacts.list(id).length > 0) print.line(`What it looked like: ${folder}/${id}`);
}
