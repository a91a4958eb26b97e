// Texts at rest under a key: AES-256-GCM with a nonce of its own each time. What is bound to the text (`about`) is
// authenticated, so that a sealed text put in the place of another does not open (threats C8).

import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import type { Secret } from './secret.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Constant: the key itself is the secret, and must be the same at every start. */
const SALT = 'gatewatch sealed texts 1';

export interface Seal {
  /** The text, sealed, as base64. */
  close(text: string, about: string): string;
  /** The text again; null when it is damaged, was sealed with a key that is none of ours, or for something else. */
  open(sealed: string, about: string): string | null;
}

/** Seals with the first key, opens with any: a list of keys allows rotation. Costs 50 ms a key, once. */
export function createSeal(keys: readonly [Secret, ...Secret[]]): Seal {
  const derived = keys.map((key) => scryptSync(key.reveal(), SALT, 32));
  return {
    close(text, about) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', derived[0] ?? '', nonce);
      cipher.setAAD(Buffer.from(about));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
    },
    open(sealed, about) {
      const bytes = Buffer.from(sealed, 'base64');
      for (const key of derived) {
        const text = opened(bytes, about, key);
        if (text !== null) return text;
      }
      return null;
    },
  };
}

function opened(bytes: Buffer, about: string, key: Buffer): string | null {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(about));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return (
      decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    );
  } catch {
    return null; // the tag does not fit: another key, or not what was sealed
  }
}
