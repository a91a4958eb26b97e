// What `#flow` is: everything a flow may import. A flow is a file of named steps that sign in at a provider and arrive
// at the service; it runs in the browser's child process, and what it types as a secret it never gets to see.

import type { Locator, Page } from 'playwright';

/** Ends that a flow may tell; all others are found out by the one who runs it. */
export type ToldEnd = 'rejected' | 'denied' | 'needs-human' | 'flow-error';

/** A thing to wait for: an element that is to be seen, or a question that is asked again and again. */
export type Sign = Locator | (() => boolean | Promise<boolean>);

/** What a flow works with. */
export interface FlowTools {
  /** A page in a fresh context: no cookie, no cache, nothing stored. */
  readonly page: Page;
  readonly target: { readonly url: string; readonly host: string };
  /** The identity provider's address as configured. */
  readonly gate: { readonly url: string };
  readonly account: { readonly username: string };
  /** Runs and times one step; its name is what people read when it fails. */
  step<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Name of the first sign that shows. Fails when none does in the time of a step, or the page is broken. */
  firstOf<Name extends string>(signs: Readonly<Record<Name, Sign>>): Promise<Name>;
  /**
   * Acts on a form, then waits for what comes of it: `gone` when the form is no longer there, `refused` when one of
   * `errors` is seen before.
   */
  submit(form: Locator, act: () => Promise<unknown>, errors: Locator): Promise<'gone' | 'refused'>;
  /** Types the account's password. Refuses unless the page is the gate's own, by https, and the field in no frame. */
  fillPassword(field: Locator): Promise<void>;
  /** Types a one-time code, under the same rule; the daemon hands out each code once. */
  fillCode(field: Locator): Promise<void>;
  /** Whether the service itself has answered: the page is on its host and no endpoint of the gate. A `Sign`. */
  readonly arrived: () => boolean;
  /** The document that is shown: address and HTTP status of its answer; null before the first. */
  readonly document: () => { readonly url: URL; readonly status: number } | null;
  /** Ends the flow here, in the flow's own words. */
  stop(end: ToldEnd, detail: string): never;
}

export interface Flow {
  readonly name: string;
  readonly run: (tools: FlowTools) => Promise<void>;
}

/** A flow file is `export const flow = defineFlow('name', async ({ page, step, … }) => { … })`. */
export function defineFlow(name: string, run: (tools: FlowTools) => Promise<void>): Flow {
  return { name, run };
}
