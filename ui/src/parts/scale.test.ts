import { describe, expect, it } from "vitest";
import { paths, ticks } from "./scale";

describe("a plot", () => {
  it.each([
    [0, [0, 1]],
    [0.3, [0, 0.1, 0.2, 0.3]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 50, 100]],
    [1234, [0, 500, 1000, 1500]],
  ])("to %d has round lines that reach it", (most, lines) => expect(ticks(most)).toEqual(lines));

  it("is broken where nothing is known", () => {
    const points = [
      { x: 0, y: 1 },
      { x: 1, y: 2 },
      { x: 2, y: null },
      { x: 3, y: 4 },
    ];
    expect(paths(points)).toEqual(["M0.0,1.0L1.0,2.0", "M3.0,4.0"]);
  });
});
