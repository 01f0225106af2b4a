// Pictures over time, by uPlot: the numbers stand in the element, and in the table below it for who does not see it.
import uPlot from "uplot";

interface Picture {
  readonly times: number[];
  readonly unit: string;
  readonly lines: readonly { readonly name: string; readonly values: number[] }[];
}

const HEIGHT = 220;
const drawn = new Map<HTMLElement, uPlot>();
const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries)
    drawn.get(target as HTMLElement)?.setSize({ width: Math.max(160, contentRect.width), height: HEIGHT });
});

/** Draw all that is not drawn, and draw anew what is: the colours may have changed. */
export function drawPlots(): void {
  for (const [element, plot] of drawn) {
    plot.destroy();
    resized.unobserve(element);
    drawn.delete(element);
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-plot]")) {
    const picture = JSON.parse(element.dataset["plot"] ?? "null") as Picture | null;
    if (picture !== null && picture.lines.length > 0) drawn.set(element, draw(element, picture));
    resized.observe(element);
  }
}

function draw(element: HTMLElement, { times, unit, lines }: Picture): uPlot {
  const axis = {
    stroke: colour("--ink"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
  };
  const bars = uPlot.paths.bars!({ size: [0.8, 40] });
  return new uPlot(
    {
      width: Math.max(160, element.clientWidth),
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      legend: { live: true },
      cursor: { points: { show: false } },
      scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
      axes: [
        axis,
        { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? String(tick) : "")) },
      ],
      series: [
        {
          label: `UTC, ${unit}`,
          value: (_, seconds) =>
            seconds === null ? "-" : `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")}`,
        },
        // One over the other, the sums of those before below it: drawn from the highest down.
        ...lines
          .map(({ name }, i) => ({
            label: name,
            fill: colour(`--plot-${i}`),
            stroke: colour(`--plot-${i}`),
            paths: bars,
            points: { show: false },
            value: (_: uPlot, __: number | null, ___: number, at: number | null) =>
              at === null ? "-" : String(lines[i]!.values[at] ?? "-"),
          }))
          .toReversed(),
      ],
    },
    [times, ...stacked(lines.map(({ values }) => values)).toReversed()],
    element,
  );
}

/** A canvas takes a colour that is settled, not one that depends on the scheme. */
function colour(name: string): string {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function stacked(lines: readonly number[][]): number[][] {
  const sums: number[][] = [];
  for (const values of lines) sums.push(values.map((value, i) => value + (sums.at(-1)?.[i] ?? 0)));
  return sums;
}
