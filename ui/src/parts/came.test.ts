import { describe, expect, it } from "vitest";
import type { CameOut } from "../client/types.gen";
import { lookOf, toldOf } from "./came";

const came = (...all: string[]): CameOut[] =>
  all.map((each) => ({ due_at: "2027-01-04T12:00:00Z", through_at: null, came: each, job: null }));

describe("what came of the last moments", () => {
  it("is told in a sentence, the newest at its end", () => {
    expect(toldOf(came("failed", "completed", "missed", "completed"))).toBe(
      "The last 4: 1 failed, 2 completed, 1 missed; the newest: failed",
    );
    expect(toldOf(came("skipped"))).toBe("1 skipped");
    expect(toldOf([])).toBe("");
  });

  it("looks as it is: what merged was left out, and what goes on is open", () => {
    const looks = came("completed", "coalesced", "retrying", "ran", "missed").map(lookOf);
    expect(looks).toEqual(["completed", "skipped", "open", "open", "missed"]);
  });
});
