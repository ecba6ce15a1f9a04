import { describe, expect, it } from "vitest";
import { completions, momentOf, sought, words } from "./tokens";

describe("a line of tokens", () => {
  it("is the search that it says", () => {
    expect(sought("state:failed,retrying task:charge arg.order_id:42").search).toEqual({
      state: ["failed", "retrying"],
      task: ["charge"],
      arg: ["order_id=42"],
    });
  });

  it("may say a word again: one of the values is enough", () => {
    expect(sought("queue:a queue:b").search).toEqual({ queue: ["a", "b"] });
  });

  it("may have values with spaces and quotes, in quotes", () => {
    expect(sought('error:"did \\"not\\" answer"').search).toEqual({ error: 'did "not" answer' });
  });

  it("keeps the quotes of an argument: a text that looks like a number is one", () => {
    expect(sought('arg.zip:"01234" arg.n:7').search).toEqual({ arg: ['zip="01234"', "n=7"] });
  });

  it("names a task where a word stands alone", () => {
    expect(sought("charge").search).toEqual({ task: ["charge"] });
  });

  it.each([
    "colour:red",
    "state:",
    "state:tired",
    "arg.:1",
    'task:"open',
    "sort:best",
    "since:yesterday",
    "since:2026-11-29",
    "id:1 id:2",
  ])("is refused where it makes no sense: %s", (typed) => {
    expect(sought(typed).wrong).not.toBeNull();
  });

  it.each([
    "state:failed task:charge",
    'error:"did not answer"',
    'arg.order_id:42 arg.note:"a b"',
    "queue:billing queue:slow tag:eu",
    "state:failed ended-since:24h sort:last-ended",
    'task:"a\\\\b"',
    "id:01a2",
  ])("comes back as it was: %s", (typed) => expect(words(sought(typed).search)).toBe(typed));
});

describe("moments that are sought", () => {
  const NOW = Date.parse("2026-11-29T12:00:00Z");

  it.each([
    ["24h", "2026-11-28T12:00:00.000Z"],
    ["90s", "2026-11-29T11:58:30.000Z"],
    ["2026-11-29T03:00:00+01:00", "2026-11-29T03:00:00+01:00"],
  ])("%s is %s", (said, meant) => expect(momentOf(said, NOW)).toBe(meant));

  it.each(["2026-11-29T03:00:00", "3 h", "2026-99-99T00:00Z"])("%s is none", (said) =>
    expect(momentOf(said, NOW)).toBeNull(),
  );
});

describe("what a line may become", () => {
  const KNOWN = { task: ["charge", "emails.send"], queue: ["billing", "slow lane"] };
  const lines = (typed: string) => completions(typed, KNOWN).map((each) => each.line);

  it("begins with every word", () => expect(lines("")).toContain("state:"));

  it("completes the last token alone", () => {
    expect(lines("state:failed que")).toEqual(["state:failed queue:"]);
    expect(lines("state:failed queue:b")).toEqual(["state:failed queue:billing "]);
  });

  it("offers states and orders that there are", () => {
    expect(lines("state:c")).toContain("state:cancelled ");
    expect(lines("sort:new")).toEqual(["sort:newest "]);
  });

  it("offers a task for a word that stands alone, wherever it has it", () => {
    expect(lines("send")).toEqual(["task:emails.send "]);
  });

  it("quotes what has spaces", () => expect(lines("queue:sl")).toEqual(['queue:"slow lane" ']));

  it("offers nothing where all is said", () => expect(lines("queue:billing")).toEqual([]));
});
