// Values that must never be shown: whoever prints one gets `[redacted]` (threats P1).

import { inspect } from 'node:util';

/** A secret string; only `reveal` gives it back. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself: only for sending it where it belongs. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

/** URL shown as scheme and host alone: pathnames and queries of receivers are secrets (threats A5). */
export function shownUrl(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.protocol}//${parsed.host}`;
  } catch {
    return '[redacted]';
  }
}
