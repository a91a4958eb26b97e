// JSON as it leaves the web port: a terminal that shows it must not obey it (threats O6, M6).

// DEL and C1, Arabic letter mark, zero width, line separators, bidi controls, byte order mark. C0 is escaped by
// JSON.stringify itself. Outside of strings JSON has none of these, so replacing them in the text is safe.
const UNSAFE = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The same JSON with every character that a terminal or an editor acts on written as an escape. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
