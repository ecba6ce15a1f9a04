import { describe, expect, it } from "vitest";
import { blank, changeOf, limitsInWords, ruleOf, selectedInWords, typedOf } from "./conditions";

const RULE = {
  name: "imports",
  condition: "failure-rate",
  kind: "task",
  severity: "error",
  limits: { share: 0.2, least: 20, window: "1h" },
  for: "2m",
  open_after: 1,
  close_after: 3,
  selector: { tasks: ["import.*"], queues: [], schedules: [], tags: [] },
} as unknown as Parameters<typeof typedOf>[0];

describe("a rule in a form", () => {
  it("asks for what it is, where nothing was changed", () => {
    expect(ruleOf(typedOf(RULE))).toEqual({
      name: "imports",
      condition: "failure-rate",
      kind: "task",
      severity: "error",
      share: 0.2,
      least: 20,
      window: "1h",
      for: "2m",
      open_after: 1,
      close_after: 3,
      tags: [],
      tasks: ["import.*"],
    });
  });

  it("says nothing of what was left empty, and of no limit that its condition has not", () => {
    const typed = { ...blank("stale"), times: "3", longer_than: " 2h " };
    expect(changeOf(typed)).toEqual({
      longer_than: "2h",
      tasks: [],
      queues: [],
      schedules: [],
      tags: [],
    });
  });

  it("is told in words", () => {
    expect(limitsInWords(RULE)).toBe("20 %, of at least 20, within 1h, for 2m");
    expect(selectedInWords(RULE)).toBe("tasks import.*");
  });
});
