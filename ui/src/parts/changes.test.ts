import { describe, expect, it } from "vitest";
import { changes } from "./changes";

describe("what two states of a thing differ in", () => {
  it("is what was changed, and nothing else", () => {
    expect(changes({ role: "viewer", grants: [] }, { role: "admin", grants: [] })).toEqual([
      { name: "role", before: "viewer", after: "admin" },
    ]);
  });

  it("is all of it where there was nothing before, or is nothing any more", () => {
    expect(changes(null, { paused: true })).toEqual([
      { name: "paused", before: undefined, after: "true" },
    ]);
    expect(changes({ n: null }, null)).toEqual([{ name: "n", before: "null", after: undefined }]);
  });

  it("tells a text from a number that looks the same no worse than JSON does within lists", () => {
    expect(changes({ grants: ["1"] }, { grants: [1] })).toEqual([
      { name: "grants", before: '["1"]', after: "[1]" },
    ]);
  });

  it("shows markup as text", () => {
    expect(changes(null, { note: "<b>&" })[0]?.after).toBe("<b>&");
  });
});
