import { describe, expect, it } from "vitest";
import type { JobOut } from "../client/types.gen";
import { Fields } from "./exact";
import { type JobRow, type Read, rowOf, standing, toRead } from "./job_page";

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

  it("leaves a row as it is drawn where nothing of it has changed", () => {
    const said = (state: string) => ({ id: "a", state, tags: ["x"] }) as unknown as JobOut;
    const args = () => new Fields([["number", "7"]]);
    const before = rowOf(said("pending"), args());
    expect(rowOf(said("pending"), args(), before)).toBe(before);
    expect(rowOf(said("running"), args(), before).job.state).toBe("running");
    expect(rowOf(said("pending"), new Fields([]), before).args).toBe("{}");
  });

  it("reads a row that fits no more where it may have changed", () => {
    const row = (finished_at: string | null) => ({ job: { finished_at }, args: null }) as JobRow;
    const names = ["ended", "again"];
    const rows = new Map(names.map((name) => [name, row("2026-01-01T00:00:00Z")]));
    rows.set("runs", row(null));
    const before = { at: 50, ids: [], rows } as unknown as Read;
    const gone = ["ended", "again", "runs", "unknown"];
    expect(toRead(gone, before, new Set(["again"]))).toEqual(["again", "runs", "unknown"]);
    expect(toRead(gone, before, null).sort()).toEqual([...gone].sort());
  });
});
