import { describe, expect, it } from "vitest";
import type { AttemptOut, EntryOut, JobOut } from "../client/types.gen";
import { lanesOf, movesOf } from "./lanes";

const AT = (second: number) => `2026-11-29T12:00:${String(second).padStart(2, "0")}.000Z`;
const MS = (second: number) => Date.parse(AT(second));
const job = (more: Partial<JobOut>) =>
  ({ created_at: AT(0), due_at: AT(0), state: "pending", attempt: 0, ...more }) as JobOut;
const attempt = (number: number, from: number, to: number, outcome = "failed") =>
  ({ attempt: number, started_at: AT(from), finished_at: AT(to), outcome }) as AttemptOut;

describe("lanes of attempts", () => {
  it("wait from when they were asked for, and after another attempt from its end", () => {
    const done = job({ finished_at: AT(9), state: "completed" });
    const lanes = lanesOf(done, [attempt(1, 2, 4), attempt(2, 8, 9, "completed")], MS(30));
    expect(lanes.map(({ since, began, ended }) => [since, began, ended])).toEqual([
      [MS(0), MS(2), MS(4)],
      [MS(4), MS(8), MS(9)],
    ]);
    expect(lanes.map((lane) => lane.isBackoff)).toEqual([false, true]);
  });

  it("have one that waits since it was due", () => {
    const [lane] = lanesOf(job({ due_at: AT(5), finished_at: null }), [], MS(9));
    expect(lane).toMatchObject({ since: MS(5), began: null, ended: MS(9), attempt: 1 });
  });

  it("have one that runs until now", () => {
    const running = job({ state: "running", attempt: 1, started_at: AT(3), finished_at: null });
    expect(lanesOf(running, [], MS(9))[0]).toMatchObject({
      began: MS(3),
      ended: MS(9),
      attempt: 1,
    });
  });

  it("never end before they began, where it is not yet due", () => {
    const later = job({ state: "scheduled", due_at: AT(50), finished_at: null });
    const [lane] = lanesOf(later, [], MS(9));
    expect(lane?.ended).toBe(lane?.since);
  });
});

describe("all that happened to a job", () => {
  it("stands in its order, with who did it by hand", () => {
    const again = {
      at: AT(5),
      action: "job.retry",
      actor_kind: "user",
      actor_name: "ann",
    } as EntryOut;
    const done = job({ finished_at: AT(9), state: "completed" });
    const moves = movesOf(done, [attempt(1, 2, 4), attempt(1, 8, 9, "completed")], [again]);
    expect(moves.map(({ what, by }) => (by ? `${what} by ${by}` : what))).toEqual([
      "Asked for",
      "Attempt 1 began",
      "Attempt 1 ended: failed",
      "job.retry by user:ann",
      "Attempt 1 began",
      "Attempt 1 ended: completed",
    ]);
  });

  it("tells that it was called off before it ran", () => {
    const gone = job({ finished_at: AT(3), state: "cancelled", reason: "by hand" });
    expect(movesOf(gone, [], []).at(-1)).toMatchObject({
      what: "Ended: cancelled",
      why: "by hand",
    });
  });
});
