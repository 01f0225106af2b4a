// What one measurement says, and how all of them are printed.

export interface Result {
  readonly name: string;
  /** In `unit`. */
  readonly median: number;
  readonly best?: number;
  readonly interval?: readonly [low: number, high: number];
  readonly unit: string;
  /** At most this, in `unit`. */
  readonly goal?: number;
  readonly note?: string;
}

export function formatResults(results: readonly Result[]): string {
  const rows = results.map(({ name, median, best, interval, unit, goal, note }) => [
    name,
    `${number(median)} ${unit}`,
    best === undefined ? "" : number(best),
    interval === undefined ? "" : `${number(interval[0])} to ${number(interval[1])}`,
    goal === undefined ? "" : `<= ${number(goal)}`,
    goal === undefined ? "" : median <= goal ? "met" : `missed (${(median / goal).toFixed(2)}x)`,
    note ?? "",
  ]);
  const table = [["what", "median", "best", "95 % of the median", "goal", "", "note"], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [
    line(table[0]!),
    `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`,
    ...table.slice(1).map(line),
  ].join("\n");
}

function number(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
