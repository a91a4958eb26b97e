// Tables of texts: columns as wide as they need to be, two spaces between.

import { pad, visibleWidth } from './print.ts';

/** Lines of a table; the last column is never padded. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, visibleWidth(cell));
  return rows.map((row) =>
    row
      .map((cell, index) => pad(cell, widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
