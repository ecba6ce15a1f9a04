import { expect, it } from "vitest";
import { noiseOf } from "./noise";

const STATS = { failed: 0, dropped: 0 };

it("a rule that nobody sees to is noisier than one that is told more and seen to", () => {
  const found = noiseOf([
    { ...STATS, channel: "ops", rule: "late", sent: 9, incidents: 9, seen: 9 },
    { ...STATS, channel: "ops", rule: "slow", sent: 3, incidents: 4, seen: 1 },
    { ...STATS, channel: "night", rule: "slow", sent: 2, incidents: 2, seen: 0 },
  ]);
  expect(found.map(({ rule, sent, ignored }) => [rule, sent, ignored])).toEqual([
    ["slow", 5, 5],
    ["late", 9, 0],
  ]);
});
