import { describe, expect, it } from "vitest";
import { standing } from "./job_page";

describe("a list that is looked at", () => {
  it("keeps its order, and counts what is new", () => {
    expect(standing(["b", "a"], ["d", "c", "b"])).toEqual({ order: ["b", "a"], fresh: 2 });
  });

  it("is shown at once where nothing was", () => {
    expect(standing([], ["b", "a"])).toEqual({ order: ["b", "a"], fresh: 0 });
  });

  it("is not new where it only moved", () => {
    expect(standing(["b", "a"], ["a", "b"]).fresh).toBe(0);
  });
});
