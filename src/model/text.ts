// Text of responses that people will read: one line, bounded, without characters that change what is around it
// (threats O1).

/** Longest evidence string, in characters. */
const EVIDENCE_LIMIT = 200;

// C0, DEL and C1 controls, line and paragraph separators, bidi controls, zero-width characters, lone surrogates.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Response text made safe to show: unsafe characters become `·`, cut at `limit` characters. */
export function evidenceText(text: string, limit: number = EVIDENCE_LIMIT): string {
  const clean = text
    .slice(0, limit * 4)
    .normalize('NFC')
    .replace(UNSAFE, '·');
  return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean;
}
