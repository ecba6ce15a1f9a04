import { expect, test } from "vitest";
import { asked, changed, EMPTY, expression, ruleOf } from "./rule";

const CRON = { kind: "cron", expr: "0 9 * * *", tz: "Europe/Paris", gap: "after", fold: "first" };

test("a rule of one kind stands in its fields, and is asked for as it was", () => {
  const rule = ruleOf(CRON);
  expect(rule).toEqual({ ...EMPTY, text: "0 9 * * *", tz: "Europe/Paris" });
  expect(JSON.parse(JSON.stringify(asked(rule)))).toEqual({
    cron: ["0 9 * * *"],
    tz: "Europe/Paris",
  });
});

test("several lines, what is left out, closed times and working days stand in theirs", () => {
  const source = {
    kind: "exclusion",
    source: { kind: "union", members: [CRON, { ...CRON, expr: "0 12 * * *" }] },
    excluded: { ...CRON, expr: "0 9 1 * *" },
  };
  const calendar = { name: "fr", weekend: ["sat"], holidays: [], closed: [] };
  const rule = ruleOf({ kind: "workdays", source, calendar, otherwise: "back" });
  expect([rule.text, rule.except_cron, rule.workdays, rule.otherwise]).toEqual([
    "0 9 * * *\n0 12 * * *",
    "0 9 1 * *",
    "fr",
    "back",
  ]);
  expect(expression(source)).toBe("0 9 * * * · 0 12 * * *");
});

test("what no field can say is told whole and asked for as it is", () => {
  const spec = { kind: "after_finish", every: "10m" };
  const rule = ruleOf(spec);
  expect(rule.kind).toBe("spec");
  expect(asked(rule).recurrence).toEqual(spec);
});

test("a change asks for nothing that is as it was, and takes away what is gone", () => {
  const before = { ...ruleOf(CRON), workdays: "fr", closed: "a/b" };
  expect(changed(before, before)).toEqual({});
  const after = { ...before, workdays: "", closed: "" };
  expect(changed(before, after)).toMatchObject({ workdays: null, closed: null });
});

test("an interval of the calendar's days is one as it was written", () => {
  const rule = ruleOf({ kind: "calendar", every: "P1D", tz: "Europe/Paris" });
  expect([rule.kind, rule.text, asked(rule).tz]).toEqual(["every", "P1D", "Europe/Paris"]);
});

test("an interval has a zone only where that is not UTC", () => {
  expect(asked({ ...EMPTY, kind: "every", text: "1d" }).tz).toBeUndefined();
  expect(asked({ ...EMPTY, kind: "every", text: "1d", tz: "Europe/Paris" }).tz).toBe(
    "Europe/Paris",
  );
});
