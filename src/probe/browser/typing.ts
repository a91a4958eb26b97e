// Where secrets are typed: into a field of the page itself, while that page is the gate's own by https. Frames, other
// sites and pages without TLS never get one, whatever a flow or a page wants (DESIGN 10, Browser).

import type { ElementHandle, Locator, Page } from 'playwright';
import { FlowStop } from './flow-stop.ts';

/** What the daemon hands out. */
export type SecretKind = 'password' | 'code';

/** What is asked of the element, in the page. */
interface Field {
  readonly ownerDocument: { readonly defaultView: { readonly location: { readonly origin: string } } };
}

export interface Typing {
  fill(kind: SecretKind, field: Locator): Promise<void>;
  /** Whether any secret was typed. */
  readonly typed: () => boolean;
}

/** `ask` gets a secret of the daemon, or says why there is none. */
export function createTyping(
  page: Page,
  gate: string,
  ask: (kind: SecretKind) => Promise<{ value: string } | { why: string }>,
): Typing {
  const { origin, protocol } = new URL(gate);
  let typed = false;

  const refuse = (why: string): never => {
    throw new FlowStop('not-finished', `nothing is typed there: ${why}`);
  };
  const check = async (element: ElementHandle<Field>): Promise<void> => {
    const frame = await element.ownerFrame();
    if (frame === null || frame !== page.mainFrame()) refuse('the field is in a frame');
    // Asked of the field's own document; `location` cannot be replaced by a page (HTML, [LegacyUnforgeable]).
    const at = await element.evaluate((field: Field) => field.ownerDocument.defaultView.location.origin);
    if (at !== origin) refuse('the page is not of the gate');
  };
  return {
    async fill(kind, field) {
      if (protocol !== 'https:') refuse('the gate has no https address');
      const element = await field.elementHandle();
      if (element === null) return refuse('there is no field');
      await check(element);
      const secret = await ask(kind);
      if ('why' in secret) throw new FlowStop('needs-human', secret.why);
      // Once more: time has passed. The handle belongs to this document; another one would never get the text.
      await check(element);
      typed = true;
      await element.fill(secret.value);
    },
    typed: () => typed,
  };
}
