// Says what is wrong with the store in one sentence, once when it begins, once when it changes and once when all
// works again, whatever the number of failed writes.

import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';

/** What is over when it is noticed (a damaged file was set aside) is told for so long, ms. */
const TOLD_MS = 15 * 60_000;

export interface Trouble {
  /** `subject` does not work; `sentence` says why. */
  failed(subject: string, sentence: string): void;
  /** `subject` works. */
  works(subject: string): void;
  /** Something happened that people should know although it works again. */
  notice(subject: string, sentence: string): void;
  /** The sentence of now; null when all works. */
  readonly sentence: string | null;
}

/** `problem` gets the sentence whenever it changes: that of the oldest trouble, null without any. */
export function createTrouble(clock: Clock, log: Log, problem: (detail: string | null) => void): Trouble {
  const sentences = new Map<string, string>();
  const first = (): string | null => sentences.values().next().value ?? null;
  let told: string | null = null;
  const tell = (): void => {
    if (told === first()) return;
    told = first();
    problem(told);
  };
  const failed = (subject: string, sentence: string): void => {
    if (sentences.get(subject) === sentence) return;
    sentences.set(subject, sentence);
    log.error({ subject, problem: sentence }, 'store is in trouble, going on from memory');
    tell();
  };
  const works = (subject: string): void => {
    if (!sentences.delete(subject)) return;
    log.info({ subject }, 'store is out of this trouble');
    tell();
  };
  return {
    failed,
    works,
    notice(subject, sentence) {
      failed(subject, sentence);
      clock.after(TOLD_MS, () => sentences.get(subject) === sentence && works(subject));
    },
    get sentence() {
      return first();
    },
  };
}
