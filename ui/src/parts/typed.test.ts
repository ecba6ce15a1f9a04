import { describe, expect, it } from "vitest";
import { Refused } from "../api";
import { filled, listed, refusedAt } from "./typed";

describe("what is typed", () => {
  it.each([
    ["mail.*, charge", ["mail.*", "charge"]],
    [" , ", []],
  ])("%s is a list", (typed, list) => expect(listed(typed)).toEqual(list));

  it("leaves out what was left empty", () => {
    expect(filled({ window: " 1h ", for: " " }, ["window", "for"])).toEqual({ window: "1h" });
  });

  it("is refused at the innermost field that was named", () => {
    const errors = [
      { field: "options.repeat", detail: "write 4h" },
      { field: "matcher.rules.0", detail: "there is no such rule" },
    ];
    const problem = { status: 400, detail: "two fields are wrong", errors };
    expect(refusedAt(new Refused(problem as never))).toEqual({
      repeat: "write 4h",
      rules: "there is no such rule",
    });
  });
});
