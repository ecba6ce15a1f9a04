/** Days as they stand in an address, `2026-11-30`: counted as a calendar does, in no zone. */

const DAY = 86_400_000;

const at = (day: string): number => Date.parse(`${day}T00:00:00Z`);
const told = (time: number): string => new Date(time).toISOString().slice(0, 10);

export function isDay(text: string | undefined): text is string {
  return text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(at(text));
}

export function plus(day: string, days: number): string {
  return told(at(day) + days * DAY);
}

/** The same day so many months on, or the last of a month that has no such day. */
export function plusMonths(day: string, months: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return told(Date.UTC(year, month - 1 + months, Math.min(date, last)));
}

/** Six weeks that hold its month, from a Monday on. */
export function weeksOf(day: string): string[][] {
  const first = `${day.slice(0, 7)}-01`;
  const weekday = (new Date(at(first)).getUTCDay() + 6) % 7;
  return Array.from({ length: 6 }, (_, week) =>
    Array.from({ length: 7 }, (_, number) => plus(first, week * 7 + number - weekday)),
  );
}

/** The day it is in a zone. */
export function today(zone: string, now = new Date()): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(now);
}

/** A month in words. */
export function monthOf(day: string): string {
  return new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" }).format(
    at(day),
  );
}

/** A day in words. */
export function dayOf(day: string): string {
  const told = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeZone: "UTC" });
  return told.format(at(day)).replace(",", ""); // which browsers put in or leave out
}

/** By which key one goes how far. */
export const STEPS: Record<string, (day: string) => string> = {
  ArrowLeft: (day) => plus(day, -1),
  ArrowRight: (day) => plus(day, 1),
  ArrowUp: (day) => plus(day, -7),
  ArrowDown: (day) => plus(day, 7),
  PageUp: (day) => plusMonths(day, -1),
  PageDown: (day) => plusMonths(day, 1),
};
