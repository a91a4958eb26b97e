// Runs a flow in a page: its tools, its steps with their times, and where it ended.

import type { ElementHandle, Page } from 'playwright';
import { type Clock, sleep } from '../../base/clock.ts';
import { type Gate, isGatePathname } from '../../model/gate.ts';
import type { FlowEnd, FlowFacts, FlowStep } from '../../model/observation.ts';
import { evidenceText } from '../../model/text.ts';
import type { Flow, FlowTools, Sign } from '../flow-script.ts';
import { FlowStop } from './flow-stop.ts';
import { IS_BLANK } from './page-script.ts';
import type { PageWatch } from './page-watch.ts';
import type { Typing } from './typing.ts';

/** How often a sign is looked for, ms. */
const LOOK_MS = 100;
/** Steps told of; a flow that has more is one that goes in circles. */
const MOST_STEPS = 60;
/** How long a page may take to say what is on it, ms. */
const LOOK_LIMIT_MS = 3_000;

export interface FlowOptions {
  readonly clock: Clock;
  readonly page: Page;
  readonly watch: PageWatch;
  readonly typing: Typing;
  readonly target: { readonly url: string; readonly host: string; readonly origin: string };
  readonly gate: Pick<Gate, 'url' | 'kind'>;
  readonly username: string;
  /** For one step, ms. */
  readonly stepMs: number;
  /** Aborts when the time of the visit is up. */
  readonly signal: AbortSignal;
}

/** What a flow came to; `page` and the skew are added by the one who knows the exchanges. */
export type FlowRun = Pick<FlowFacts, 'steps' | 'end' | 'detail'> & {
  readonly blank: boolean;
  /** What the error of a flow or its library says: for the log of the visit alone. */
  readonly error: string | null;
};

/** Runs to the end, or to the end of the time; never rejects. */
export async function runFlow(flow: Flow, options: FlowOptions): Promise<FlowRun> {
  const steps: FlowStep[] = [];
  const running = new Map<string, number>();
  const tools = flowTools(options, steps, running);
  let thrown: unknown = null;
  try {
    await beforeAbort(flow.run(tools), options.signal);
    await tools.firstOf({ arrived: tools.arrived });
  } catch (error) {
    thrown = error;
    // What was under way when the time was up did not end by itself.
    for (const [name, startMs] of running)
      steps.push({ name, durationMs: options.clock.monotonic() - startMs, failed: failedText(error) });
  }
  const blank = thrown === null ? false : await isBlank(options);
  const { end, detail } = endOf(thrown, blank, steps, options);
  const said = thrown === null || thrown instanceof FlowStop ? null : String(thrown);
  return { steps, end, detail, blank, error: said };
}

function flowTools(options: FlowOptions, steps: FlowStep[], running: Map<string, number>): FlowTools {
  const { clock, page, watch, typing, target, gate, username } = options;
  const arrived = (): boolean => {
    const shown = watch.shown();
    return (
      shown !== null && shown.url.origin === target.origin && !isGatePathname(gate.kind, shown.url.pathname)
    );
  };
  const tools: FlowTools = {
    page,
    target: { url: target.url, host: target.host },
    gate: { url: gate.url },
    account: { username },
    arrived,
    document: () => watch.shown(),
    fillPassword: (field) => typing.fill('password', field),
    fillCode: (field) => typing.fill('code', field),
    stop(end, detail) {
      throw new FlowStop(end, evidenceText(detail));
    },
    async step(written, run) {
      const name = evidenceText(written, 80);
      const startMs = clock.monotonic();
      running.set(name, startMs);
      const done = (failed: string | null): void => {
        if (running.delete(name) && steps.length < MOST_STEPS)
          steps.push({ name, durationMs: clock.monotonic() - startMs, failed });
      };
      try {
        const result = await run();
        done(null);
        return result;
      } catch (error) {
        done(failedText(error));
        throw error;
      }
    },
    firstOf: (signs) => firstOf(signs, options),
    async submit(form, act, errors) {
      const element = await form.elementHandle();
      await act();
      return firstOf(
        { refused: errors.filter({ visible: true }).first(), gone: () => isGone(element) },
        options,
      );
    },
  };
  return tools;
}

/** Looks again and again; ends early where nothing more will come. */
async function firstOf<Name extends string>(
  signs: Readonly<Record<Name, Sign>>,
  options: FlowOptions,
): Promise<Name> {
  const { clock, watch, signal, stepMs } = options;
  const untilMs = clock.monotonic() + stepMs;
  for (;;) {
    stopWhereNothingComes(options);
    for (const name in signs) {
      if (Object.hasOwn(signs, name) && (await shows(signs[name]))) return name;
    }
    if (watch.isBroken())
      throw new FlowStop('page-blank', 'the page has lost scripts or styles, and shows nothing of a login');
    if (clock.monotonic() >= untilMs || signal.aborted) throw new StepTimeout(stepMs);
    await sleep(clock, LOOK_MS, signal);
  }
}

class StepTimeout extends Error {
  constructor(ms: number) {
    super(`nothing of what was waited for came in ${Math.round(ms / 1000)} s`);
  }
}

/** A document that did not load, or is an error; the way back to the gate that failed; a limit of the visit. */
function stopWhereNothingComes({ watch, gate, target, typing }: FlowOptions): void {
  if (watch.limit !== null) throw new FlowStop('not-finished', watch.limit);
  const shown = watch.shown();
  if (shown !== null && shown.status >= 400 && isGatePathname(gate.kind, shown.url.pathname))
    throw new FlowStop('callback-failed', `the gate answered ${shown.status} to the way back from the login`);
  const atService = shown?.url.origin === target.origin;
  if (shown !== null && shown.status >= (atService ? 400 : 500) && !(atService && typing.typed()))
    throw new FlowStop('not-finished', `the ${atService ? 'service' : 'login'} answered ${shown.status}`);
  if (watch.documentFailure() !== null)
    throw new FlowStop('not-finished', 'a page of the login did not load');
}

async function shows(sign: Sign | undefined): Promise<boolean> {
  if (sign === undefined) return false;
  try {
    return typeof sign === 'function' ? await sign() : await sign.first().isVisible();
  } catch {
    return false; // the page is being replaced
  }
}

async function isGone(element: ElementHandle | null): Promise<boolean> {
  if (element === null) return true;
  try {
    return !(await element.isVisible());
  } catch {
    return true; // with its document
  }
}

/** Where it ended, by what was thrown and what the page looks like. */
function endOf(
  thrown: unknown,
  blank: boolean,
  steps: readonly FlowStep[],
  { watch, gate, target }: FlowOptions,
): { end: FlowEnd; detail: string } {
  if (thrown === null) return { end: 'app', detail: 'signed in, at the service' };
  if (thrown instanceof FlowStop) return { end: thrown.end, detail: thrown.message };
  if (watch.documentFailure() !== null)
    return { end: 'not-finished', detail: 'a page of the login did not load' };
  const origin = watch.shown()?.url.origin;
  const ofLogin = origin === new URL(gate.url).origin;
  if (ofLogin && (blank || watch.hasLostEssentials()))
    return { end: 'page-blank', detail: 'the login page shows nothing of a login' };
  const name = steps.findLast(({ failed }) => failed !== null)?.name ?? 'arrive at the service';
  const where = ofLogin ? ', at the login page' : origin === target.origin ? ', at the service' : '';
  return { end: 'not-finished', detail: `the step "${name}" did not succeed${where}` };
}

/** Our words for what a step ended with: its library's words may hold text of the page. */
function failedText(error: unknown): string {
  if (error instanceof FlowStop || error instanceof StepTimeout) return evidenceText(error.message);
  const { name, message } = error instanceof Error ? error : { name: 'error', message: '' };
  const waited = /Timeout (\d{1,6})ms exceeded/.exec(message)?.[1];
  if (waited !== undefined) return `not done in ${Math.round(Number(waited) / 1000)} s`;
  if (message.includes('strict mode violation')) return 'a locator matches more than one element';
  const code = /net::(ERR_[A-Z_]{1,60})/.exec(message)?.[1];
  return code ?? evidenceText(`fault of the flow (${name})`, 100);
}

/** Whether nothing can be seen: no text, no field, no picture, also in open shadow roots. */
async function isBlank({ clock, page }: FlowOptions): Promise<boolean> {
  const looked = page.evaluate(IS_BLANK).then((blank) => blank === true);
  const given = sleep(clock, LOOK_LIMIT_MS).then(() => false); // a page that does not answer is not known to be blank
  return Promise.race([looked.catch(() => false), given]);
}

/** The promise, or a rejection as soon as the signal aborts; what comes later is swallowed. */
function beforeAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new FlowStop('not-finished', 'not done in the time of the visit'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
