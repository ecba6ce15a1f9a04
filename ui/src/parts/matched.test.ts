import { describe, expect, it } from "vitest";
import { matchedInWords, type SilenceTyped, silenceOf } from "./matched";

const TYPED: SilenceTyped = {
  rules: "late, no-*",
  names: "",
  tasks: "",
  queues: "",
  tags: "",
  kinds: [],
  severities: ["warning"],
  everything: false,
  reason: " a deploy ",
  when: "now",
  lasts: "2h",
  begins: "2027-01-04T22:00Z",
  ends: "2027-06-30T00:00Z",
  cron: "0 2 * * sun",
  tz: "Europe/Paris",
};
const MATCHER = { rules: ["late", "no-*"], severities: ["warning"] };

describe("a silence in a form", () => {
  it("that begins now says for how long", () => {
    expect(silenceOf(TYPED)).toEqual({ matcher: MATCHER, reason: "a deploy", for: "2h" });
  });

  it("that comes again says when, by whose clock, and until when", () => {
    expect(silenceOf({ ...TYPED, when: "again", begins: "", everything: true })).toEqual({
      everything: true,
      reason: "a deploy",
      begins_at: null,
      ends_at: "2027-06-30T00:00Z",
      for: "2h",
      cron: "0 2 * * sun",
      tz: "Europe/Paris",
    });
  });

  it("is told in words", () => {
    expect(matchedInWords(MATCHER as never)).toBe("rules late, no-* · severities warning");
    expect(matchedInWords({})).toBe("everything");
  });
});
