import { describe, expect, it } from "vitest";
import { sought, words } from "./tokens";

describe("a line of tokens", () => {
  it("is the search that it says", () => {
    expect(sought("state:failed,retrying task:charge arg.order_id:42").search).toEqual({
      state: ["failed", "retrying"],
      task: "charge",
      arg: "order_id=42",
    });
  });

  it("may have values with spaces, in quotes", () => {
    expect(sought('error:"did not answer"').search).toEqual({ error: "did not answer" });
  });

  it("names a task where a word stands alone", () => {
    expect(sought("charge").search).toEqual({ task: "charge" });
  });

  it.each(["colour:red", "state:", "arg.:1"])("is refused where it makes no sense: %s", (typed) => {
    expect(sought(typed).wrong).not.toBeNull();
  });

  it.each([
    "state:failed task:charge",
    'error:"did not answer"',
    "arg.order_id:42",
    "queue:billing tag:eu",
  ])("comes back as it was: %s", (typed) => expect(words(sought(typed).search)).toBe(typed));
});
