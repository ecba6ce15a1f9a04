import { describe, expect, it } from "vitest";
import { lasting, local, relative } from "./time";

const NOW = Date.parse("2026-11-29T12:00:00Z");

describe("moments and durations in words", () => {
  it.each([
    ["2026-11-29T11:59:48Z", "12 s ago"],
    ["2026-11-29T12:03:00Z", "in 3 min"],
    ["2026-11-29T02:00:00Z", "10 h ago"],
    ["2026-12-02T12:00:00Z", "in 3 d"],
  ])("%s is %s", (at, told) => expect(relative(at, NOW)).toBe(told));

  it.each([
    [0.25, "250 ms"],
    [1.04, "1.0 s"],
    [64, "1 min 4 s"],
    [3_660, "1 h 1 min"],
  ])("%d s is %s", (seconds, told) => expect(lasting(seconds)).toBe(told));

  it("a moment in a schedule's zone keeps its offset", () => {
    expect(local("2026-03-29T03:30:00+02:00")).toBe("2026-03-29 03:30:00 +02:00");
  });
});
