// How a flow ends before its last step.

import type { FlowEnd } from '../../model/observation.ts';

/** Thrown to end a flow; `detail` in our own or the flow's words, never those of a page. */
export class FlowStop extends Error {
  readonly end: FlowEnd;

  constructor(end: FlowEnd, detail: string) {
    super(detail);
    this.end = end;
  }
}
