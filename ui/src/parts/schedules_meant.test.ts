import { describe, expect, it } from "vitest";
import { whereOf } from "./schedules_meant";

describe("all schedules of a list", () => {
  it("are told to an operation by their task and queue", () => {
    expect(whereOf({ task: "charge", after: "x" })).toEqual({ task: ["charge"] });
    expect(whereOf({ task: "charge", queue: "slow", search: "" })).toEqual({
      task: ["charge"],
      queue: ["slow"],
    });
  });

  it("cannot be told by what operations do not know, nor where all there are would be meant", () => {
    for (const search of [{}, { after: "x" }, { search: "a" }, { task: "a", standing: "late" }]) {
      expect(whereOf(search)).toBeNull();
    }
  });
});
