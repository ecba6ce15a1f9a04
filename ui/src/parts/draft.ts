/** A schedule's form, to and from what the API takes. */

import type { ScheduleFound } from "../client/types.gen";
import { spread, tight } from "./raw_json";
import { asked, EMPTY, type Rule, changed as ruleChanged, ruleOf } from "./rule";
import { nameOf } from "./time";

/** All that a schedule says, as it stands in the form: texts, empty where it says nothing. */
export interface Draft {
  name: string;
  task: string;
  args: string;
  rule: Rule;
  queue: string;
  priority: string;
  overlap: string;
  catch_up: string;
  jitter: string;
  pause_after: string;
  start_at: string;
  end_at: string;
  limit: string;
  timeout: string;
  start_within: string;
  clock: string;
  keep_completed: string;
  keep_failed: string;
  why: string;
}

export const BLANK: Draft = {
  name: "",
  task: "",
  args: "{}",
  rule: { ...EMPTY, tz: nameOf("mine") },
  queue: "",
  priority: "",
  overlap: "",
  catch_up: "",
  jitter: "",
  pause_after: "",
  start_at: "",
  end_at: "",
  limit: "",
  timeout: "",
  start_within: "",
  clock: "",
  keep_completed: "",
  keep_failed: "",
  why: "",
};

const TEXTS = [
  "queue",
  "overlap",
  "catch_up",
  "jitter",
  "start_at",
  "end_at",
  "timeout",
  "start_within",
  "clock",
] as const;
const NUMBERS = ["priority", "pause_after", "limit"] as const;

const told = (value: string | number | null | undefined): string =>
  value === null || value === undefined ? "" : String(value);

/** The form of a schedule that there is; `args` as they are written. */
export function draftOf(schedule: ScheduleFound, args: string): Draft {
  return {
    ...BLANK,
    name: schedule.name,
    task: schedule.task,
    args: args === "null" ? "{}" : spread(args),
    rule: ruleOf(schedule.recurrence),
    queue: schedule.queue,
    priority: told(schedule.priority),
    overlap: told(schedule.overlap),
    catch_up: told(schedule.catch_up),
    jitter: schedule.jitter_s ? `${schedule.jitter_s}s` : "",
    pause_after: told(schedule.pause_after),
    start_at: told(schedule.start_at),
    end_at: told(schedule.end_at),
    limit: told(schedule.limit),
    clock: told(schedule.clock),
    keep_completed: told(schedule.keep?.completed),
    keep_failed: told(schedule.keep?.failed),
  };
}

function kept(draft: Draft) {
  const said = {
    completed: draft.keep_completed || undefined,
    failed: draft.keep_failed || undefined,
  };
  return said.completed || said.failed ? said : undefined;
}

/** A number as it is meant; what is none is sent as it is, to be refused by its name. */
const number = (typed: string): number | string =>
  /^\d{1,15}$/.test(typed.trim()) ? Number(typed) : typed;

/** The body that makes it, but for its arguments. */
export function making(draft: Draft): Record<string, unknown> {
  return {
    name: draft.name,
    task: draft.task,
    ...asked(draft.rule),
    ...Object.fromEntries(TEXTS.map((each) => [each, draft[each] || undefined])),
    ...Object.fromEntries(
      NUMBERS.map((each) => [each, draft[each] ? number(draft[each]) : undefined]),
    ),
    keep: kept(draft),
  };
}

/** What is said otherwise than before, but for the arguments; null takes away. */
export function changing(before: Draft, after: Draft): Record<string, unknown> {
  const isOther = (each: keyof Draft) => before[each] !== after[each];
  const keeps = isOther("keep_completed") || isOther("keep_failed");
  return {
    task: isOther("task") ? after.task : undefined,
    ...ruleChanged(before.rule, after.rule),
    ...Object.fromEntries(
      TEXTS.filter(isOther).map((each) => [each, after[each] || null] as const),
    ),
    ...Object.fromEntries(
      NUMBERS.filter(isOther).map((each) => [each, after[each] ? number(after[each]) : null]),
    ),
    keep: keeps ? (kept(after) ?? null) : undefined,
  };
}

/** The arguments where they are others than before, as they are written. */
export function argsChanged(before: Draft, after: Draft): Record<string, string> {
  const written = tight(after.args);
  return written === tight(before.args) ? {} : { args: written, replace_args: "true" };
}

const OF_NEW = ["name", "timeout", "start_within", "clock"];
const OF_RULE = [...Object.keys(EMPTY), "cron", "every", "rrule", "once", "recurrence", "keep"];

/** Whether what is refused of a field stands at it in the form. */
export function shownBy(field: string, isNew: boolean): boolean {
  if (!isNew && OF_NEW.includes(field)) return false;
  return [...Object.keys(BLANK), ...OF_RULE].includes(field);
}
