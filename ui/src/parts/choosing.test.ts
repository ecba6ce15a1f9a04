import { describe, expect, it } from "vitest";
import { chosenWith } from "./choosing";

const ORDER = ["a", "b", "c", "d"];
const left = (chosen: string[], clicked: string, from: string | null) =>
  [...chosenWith(new Set(chosen), ORDER, clicked, from)].sort();

describe("choosing rows", () => {
  it("takes one, and gives it back", () => {
    expect(left([], "b", null)).toEqual(["b"]);
    expect(left(["b"], "b", null)).toEqual([]);
  });

  it("takes all between two, in either direction", () => {
    expect(left(["b"], "d", "b")).toEqual(["b", "c", "d"]);
    expect(left(["d"], "b", "d")).toEqual(["b", "c", "d"]);
  });

  it("gives all between two back", () => {
    expect(left(["a", "b", "c", "d"], "c", "a")).toEqual(["d"]);
  });

  it("takes one alone where the last is not on this page", () => {
    expect(left(["x"], "c", "x")).toEqual(["c", "x"]);
  });
});
