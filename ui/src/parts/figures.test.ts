import { describe, expect, it } from "vitest";
import { percent, points, times } from "./figures";

describe("figures in words", () => {
  it.each([
    [1, "100 %"],
    [0.99999, "99.99 %"],
    [0.5, "50 %"],
    [0.1234, "12.3 %"],
    [null, "–"],
  ])("a share of %s is %s: never all where one is missing", (share, told) =>
    expect(percent(share)).toBe(told),
  );

  it.each([
    [1.24, "+1.2 points"],
    [-0.5, "−0.5 points"],
    [0.01, "as before"],
    [null, "nothing to compare"],
  ])("%s points are %s", (change, told) => expect(points(change)).toBe(told));

  it.each([
    [1.3, "+30 %"],
    [0.5, "−50 %"],
    [12, "12× as much"],
    [1, "as before"],
    [null, "nothing to compare"],
  ])("%s as much is %s", (ratio, told) => expect(times(ratio)).toBe(told));
});
