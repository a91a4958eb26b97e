// Text of responses that people will read: one line, bounded, without characters that change what is around it, and
// without our own secrets given back (threats O1, P1).

import { unescape as percentDecoded } from 'node:querystring';

/** Longest evidence string, in characters. */
const EVIDENCE_LIMIT = 200;

// C0, DEL and C1 controls, line and paragraph separators, bidi controls, zero-width characters, lone surrogates.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Nothing to make safe, and no other way to write it. */
const PLAIN = /^[ -~]*$/;

/** Response text made safe to show: unsafe characters become `·`, cut at `limit` characters. */
export function evidenceText(text: string, limit: number = EVIDENCE_LIMIT): string {
  if (text.length <= limit && PLAIN.test(text)) return text;
  const clean = text
    .slice(0, limit * 4)
    .normalize('NFC')
    .replace(UNSAFE, '·');
  if (clean.length <= limit) return clean;
  // Never between the halves of a character.
  return `${clean.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Shorter ones are no secrets, and would be found in every text. */
const SHORTEST_SECRET = 6;

/** Whether the text holds one of the secrets, as it is or percent-encoded. */
export function holdsSecret(text: string, secrets: readonly string[]): boolean {
  if (secrets.length === 0) return false;
  const decoded = text.includes('%') ? percentDecoded(text) : text;
  return secrets.some(
    (secret) => secret.length >= SHORTEST_SECRET && (text.includes(secret) || decoded.includes(secret)),
  );
}

/** The text with `[redacted]` in the place of each secret. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let left = text;
  for (const secret of secrets) {
    if (secret.length >= SHORTEST_SECRET) left = left.replaceAll(secret, '[redacted]');
  }
  return left;
}
