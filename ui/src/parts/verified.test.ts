import { expect, it } from "vitest";
import { line } from "./verified";

it("a line on the way tells how far it is", () => {
  expect(line('{"progress":{"jobs":1200,"attempts":3}}')).toEqual({ jobs: 1200 });
});

it("the last one tells what is broken, in words", () => {
  const told = { report: { sound: false, breaches: [{ law: "one place", row: "x" }] } };
  expect(line(JSON.stringify(told))).toEqual({
    report: { sound: false, breaches: ["one place: x"] },
  });
});
