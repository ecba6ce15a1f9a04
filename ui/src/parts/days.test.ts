import { expect, test } from "vitest";
import { dayOf, isDay, monthOf, plus, plusMonths, STEPS, today, weeksOf } from "./days";

test("days are counted across months, leap days and moved clocks", () => {
  expect([plus("2028-02-28", 1), plus("2027-03-28", 1), plus("2027-01-01", -1)]).toEqual([
    "2028-02-29",
    "2027-03-29",
    "2026-12-31",
  ]);
});

test("a month that has no such day gives its last", () => {
  expect([plusMonths("2027-01-31", 1), plusMonths("2027-01-15", -1)]).toEqual([
    "2027-02-28",
    "2026-12-15",
  ]);
});

test("weeks begin on Mondays and hold the whole month", () => {
  const weeks = weeksOf("2026-11-30");
  expect([weeks[0]?.[0], weeks[5]?.[6]]).toEqual(["2026-10-26", "2026-12-06"]);
  expect(weeksOf("2027-02-10")[0]?.[0]).toBe("2027-02-01");
});

test("the day it is depends on the zone", () => {
  const now = new Date("2026-11-30T23:30:00Z");
  expect([today("UTC", now), today("Europe/Paris", now)]).toEqual(["2026-11-30", "2026-12-01"]);
});

test("what is no day is none, and days are told in words", () => {
  expect([isDay("2026-11-30"), isDay("2026-13-30"), isDay("soon"), isDay(undefined)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect([monthOf("2026-11-30"), dayOf("2026-11-30")]).toEqual([
    "November 2026",
    "Monday 30 November 2026",
  ]);
  expect(STEPS.PageDown?.("2026-11-30")).toBe("2026-12-30");
});
