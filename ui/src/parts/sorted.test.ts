import { expect, it } from "vitest";
import { inOrder } from "./sorted";

it("what is not known comes last, whichever way it is sorted", () => {
  const rows = [2, null, 1, 3];
  expect(inOrder(rows, (each) => each, false)).toEqual([1, 2, 3, null]);
  expect(inOrder(rows, (each) => each, true)).toEqual([3, 2, 1, null]);
});
