import { expect, test } from "vitest";
import { differences, zoneOfRule } from "./differing";

const CRON = { kind: "cron", expr: "0 9 * * *", tz: "Europe/Paris" };

test("what two versions say otherwise is told by its name, and nothing else", () => {
  const before = { lane: 5, recurrence: CRON, args: { a: 1 }, after_finish: 1, limit: null };
  const after = { lane: 2, recurrence: { ...CRON, expr: "0 8 * * *" }, args: { a: 1 }, limit: 3 };
  expect(differences(before, after)).toEqual([
    { field: "priority", was: "5", is: "8" },
    { field: "recurrence", was: "0 9 * * * (Europe/Paris)", is: "0 8 * * * (Europe/Paris)" },
    { field: "jobs in all", was: "–", is: "3" },
  ]);
});

test("a rule's zone is that of what it is made of", () => {
  expect(zoneOfRule({ kind: "workdays", source: { kind: "union", members: [CRON] } })).toBe(
    "Europe/Paris",
  );
  expect(zoneOfRule({ kind: "once", at: "2027-01-04T08:00:00Z" })).toBe("UTC");
});
