// The one door to the terminal: filters what responses said, colours only on a terminal without NO_COLOR, and
// keeps JSON free of characters a terminal would obey (threats O6).

import { randomBytes } from 'node:crypto';

/** Control sequences we write ourselves; everything else that looks like one is shown as `·`. */
const COLOURS = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const;
export type Colour = keyof typeof COLOURS;

// What a terminal would obey, or what hides or turns text: C0 but newline, DEL, C1, bidi controls, zero-width characters.
const UNSAFE =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A colour on its way to `line`; the number is unknown to whoever wrote the text, so that it cannot be forged. */
const NONCE = randomBytes(4).toString('hex');
const MARK = new RegExp(`\ue000${NONCE}:(\\d+)\ue001`, 'g');
const mark = (code: string): string => `\ue000${NONCE}:${code}\ue001`;

export interface Print {
  /** One line on standard output, filtered. */
  line(text?: string): void;
  /** One line on standard error, filtered. */
  note(text: string): void;
  /** Text in a colour, or unchanged where colours are off; the text is filtered. */
  paint(colour: Colour, text: string): string;
  /** Pretty JSON on standard output. */
  json(value: unknown): void;
  /** Rewrites the current line of a terminal's standard error; does nothing elsewhere. */
  progress(text: string): void;
  readonly columns: number;
}

/** Printer for this process. */
export function createPrint(environment: Record<string, string | undefined>): Print {
  const { stdout, stderr } = process;
  const coloured = stdout.isTTY === true && !environment['NO_COLOR'];
  const clean = (text: string): string =>
    text.replace(UNSAFE, '·').replace(MARK, (_, code: string) => `\u001b[${code}m`);
  return {
    columns: stdout.columns ?? 100,
    line: (text = '') => void stdout.write(`${clean(text)}\n`),
    note: (text) => void stderr.write(`${clean(text)}\n`),
    paint(colour, text) {
      return coloured ? mark(COLOURS[colour]) + text + mark('0') : text;
    },
    json: (value) => void stdout.write(`${terminalSafeJson(value)}\n`),
    progress(text) {
      if (stderr.isTTY === true) stderr.write(`\r\u001b[2K${text.replace(UNSAFE, '·')}`);
    },
  };
}

/** JSON whose text cannot steer a terminal: JSON.stringify leaves DEL, C1 and bidi controls as they are. */
function terminalSafeJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Visible width of painted text. */
export function visibleWidth(text: string): number {
  return [...text.replace(MARK, '')].length;
}

/** Text padded on the right to a visible width. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visibleWidth(text)));
}
