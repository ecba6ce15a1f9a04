import { describe, expect, it } from "vitest";
import { Refused } from "../api";
import { refusals } from "./act";

describe("refusals", () => {
  it("gives what was refused by the field that was named, and by that which holds it", () => {
    const problem = {
      type: "about:blank",
      title: "Unprocessable",
      status: 422,
      code: "invalid",
      detail: "two fields are wrong",
      message: "two fields are wrong",
      request_id: "1",
      errors: [
        { field: "args.order", detail: "charge has no such argument" },
        { field: "cron", detail: "61 in minute is out of range" },
      ],
    };
    expect(refusals(new Refused(problem as never))).toEqual({
      args: "charge has no such argument",
      "args.order": "charge has no such argument",
      cron: "61 in minute is out of range",
    });
  });

  it("gives none of what was not refused by the server", () => {
    expect(refusals(new Error("no"))).toEqual({});
  });
});
