// What a benchmark says, and how it is shown: one row a figure, in one table.

/** One figure. `mark` is the most it may be; null where the figure only informs. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The same of blackbox exporter, in the same unit and run. */
  readonly peer?: number;
  /** Limit of `value`, or of the ratio where `peer` is given. */
  readonly mark: number | null;
  readonly holds: boolean | null;
}

/** A figure with its limit, if it has one. */
export function row(what: string, value: number, unit: string, mark: number | null = null): Row {
  return { what, value, unit, mark, holds: mark === null ? null : value <= mark };
}

/** A figure beside that of blackbox exporter; the mark is of the ratio. */
export function ratioRow(
  what: string,
  figures: { ours: number; peer: number; unit: string },
  mark: number | null = null,
): Row {
  const { ours, peer, unit } = figures;
  return { what, value: ours, unit, peer, mark, holds: mark === null ? null : ours / peer <= mark };
}

/** The table as text, one line a row. */
export function tableText(rows: readonly Row[]): string {
  const cells = [['what', 'ours', 'blackbox', 'ratio', 'mark', 'holds'], ...rows.map(cellsOf)];
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((line) => (line[column] ?? '').length)),
  );
  return cells
    .map((line) =>
      line
        .map((cell, column) => pad(cell, widths[column] ?? 0, column))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellsOf(one: Row): string[] {
  const peer = one.peer === undefined ? '' : number(one.peer);
  const ratio = one.peer === undefined ? '' : (one.value / one.peer).toFixed(2);
  const mark = one.mark === null ? '' : `<= ${number(one.mark)}`;
  const holds = one.holds === null ? '' : one.holds ? 'yes' : 'NO';
  return [one.what, `${number(one.value)} ${one.unit}`, peer, ratio, mark, holds];
}

/** Three significant digits, whole numbers as they are. */
function number(value: number): string {
  return Number.isInteger(value) || Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

/** Middle value; of an even number the mean of both middle ones. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
}
