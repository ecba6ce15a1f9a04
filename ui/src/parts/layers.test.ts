import { describe, expect, it } from "vitest";
import { layersOf } from "./layers";

const node = (label: string, ...after: string[]) => ({
  label,
  after: Object.fromEntries(after.map((each) => [each, "completed"])),
});
const places = (...nodes: ReturnType<typeof node>[]) =>
  Object.fromEntries(layersOf(nodes).map((each) => [each.node.label, [each.column, each.row]]));

describe("places in a graph", () => {
  it("stand behind the last of what they wait for", () => {
    expect(places(node("a"), node("b", "a"), node("c"), node("d", "b", "c"))).toEqual({
      a: [0, 0],
      b: [1, 0],
      c: [0, 1],
      d: [2, 0],
    });
  });

  it("begin anew where what they wait for is on another page", () => {
    expect(places(node("x", "elsewhere"))).toEqual({ x: [1, 0] });
  });
});
