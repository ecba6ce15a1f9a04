/** Values at which a plot from 0 to at least `most` has lines: 2 to 5 round ones. */
export function ticks(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, each) => +(each * step).toPrecision(12));
}

/** The paths of a line that is broken where there is no value. */
export function paths(points: { x: number; y: number | null }[]): string[] {
  const found: string[] = [];
  let now = "";
  for (const { x, y } of points) {
    if (y === null) {
      if (now) found.push(now);
      now = "";
    } else {
      now += `${now ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`;
    }
  }
  return now ? [...found, now] : found;
}
