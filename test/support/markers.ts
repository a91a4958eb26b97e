// Marker secrets: texts that exist nowhere else, one for each thing that must not be told, and the search for them in
// whatever form a sink may have put them (threats, section 8).

import { createHash } from 'node:crypto';

/** Characters that every encoding treats differently; a field that cannot hold all of them takes fewer. */
const SPECIAL = '"+/=%&<é';

export interface Marker {
  readonly name: string;
  readonly value: string;
}

/** A secret of 24 characters: eight that no encoding changes, the special ones the field can hold, eight more. */
export function marker(name: string, special: string = SPECIAL): Marker {
  const digest = createHash('sha256').update(`marker ${name}`).digest('hex');
  return { name, value: `M${digest.slice(0, 7)}${special}${digest.slice(7, 30 - 14)}`.slice(0, 24) };
}

/** A marker whose value is given, such as a piece of a key. */
export function markerOf(name: string, value: string): Marker {
  return { name, value };
}

/** Where a marker was found, and as what. */
export interface Leak {
  readonly marker: string;
  readonly form: string;
}

/** Every marker that the content holds in any form. */
export function leaksIn(content: Buffer, markers: readonly Marker[]): Leak[] {
  return markers.flatMap((one) => {
    const found = formsOf(one.value).find(([, bytes]) => content.includes(bytes));
    return found === undefined ? [] : [{ marker: one.name, form: found[0] }];
  });
}

/** Names and bytes of the forms. The two ends catch a text that was cut, or escaped in a way of its own. */
function formsOf(value: string): readonly (readonly [form: string, bytes: Buffer])[] {
  const once = encodeURIComponent(value);
  const texts: [string, string][] = [
    ['plain', value],
    ['URL-encoded', once],
    ['URL-encoded twice', encodeURIComponent(once)],
    ['JSON', JSON.stringify(value).slice(1, -1)],
    ['HTML', value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')],
    ['first part', value.slice(0, 8)],
    ['last part', value.slice(-8)],
  ];
  const bytes = [Buffer.from(value), Buffer.from(value, 'latin1')];
  return [
    ...texts.map(([form, text]) => [form, Buffer.from(text)] as const),
    ['latin1', Buffer.from(value, 'latin1')],
    ...bytes.flatMap((one) => [
      ['hex', Buffer.from(one.toString('hex'))] as const,
      ['HEX', Buffer.from(one.toString('hex').toUpperCase())] as const,
      ...base64Forms(one),
    ]),
  ];
}

/** Base64 of a text in the middle of another begins at one of three places: only whole groups are the same there. */
function base64Forms(value: Buffer): (readonly [string, Buffer])[] {
  return [0, 1, 2].flatMap((skipped) => {
    const rest = value.subarray(skipped);
    const whole = rest.subarray(0, rest.length - (rest.length % 3));
    return [
      [`base64 (+${skipped})`, Buffer.from(whole.toString('base64'))] as const,
      [`base64url (+${skipped})`, Buffer.from(whole.toString('base64url'))] as const,
    ];
  });
}
