/** What two versions of a schedule say otherwise. */

import { expression } from "./rule";

type Said = Record<string, unknown>;

export interface Difference {
  field: string;
  was: string;
  is: string;
}

/** Written from what is beside them, or told in words that are: they say nothing more. */
const UNTOLD = ["after_finish", "name", "source"];

const NAMES: Record<string, string> = {
  lane: "priority",
  start_at: "due from",
  end_at: "due until",
  limit: "jobs in all",
  jitter: "jitter (µs)",
};

export function differences(before: Said, after: Said): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((each) => !UNTOLD.includes(each))
    .filter((each) => JSON.stringify(before[each]) !== JSON.stringify(after[each]))
    .map((each) => ({
      field: NAMES[each] ?? each,
      was: shown(each, before[each]),
      is: shown(each, after[each]),
    }));
}

function shown(name: string, value: unknown): string {
  if (value === null || value === undefined) return "–";
  // The lane counts from the most urgent, the priority to it.
  if (name === "lane") return String(10 - Number(value));
  if (name === "recurrence") return rule(value as Said);
  return typeof value === "string" ? value : JSON.stringify(value, null, 1);
}

function rule(spec: Said): string {
  const zone = zoneOf(spec);
  const short = zone ? `${expression(spec)} (${zone})` : expression(spec);
  return spec.kind === "workdays" || spec.kind === "exclusion" ? JSON.stringify(spec) : short;
}

function zoneOf(spec: Said): string {
  if (typeof spec.tz === "string") return spec.tz;
  const within = (spec.source ?? (spec.members as Said[] | undefined)?.[0]) as Said | undefined;
  return within ? zoneOf(within) : "";
}

/** The zone by whose clock a rule is read; UTC where it names none. */
export function zoneOfRule(spec: Said): string {
  return zoneOf(spec) || "UTC";
}
