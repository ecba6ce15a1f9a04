import { describe, expect, it } from "vitest";
import { shownBy } from "./draft";

describe("what is refused", () => {
  it("stands at its field, where the form has it", () => {
    const fields = ["name", "cron", "recurrence", "tz", "keep", "jitter", "clock", "why"];
    expect(fields.filter((each) => !shownBy(each, true))).toEqual([]);
  });

  it("is told above the form else: a new one has fields that one that there is has not", () => {
    expect(["clock", "timeout", "region"].filter((each) => shownBy(each, false))).toEqual([]);
    expect(shownBy("region", true)).toBe(false);
  });
});
