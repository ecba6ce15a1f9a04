/** What says when: as the API tells it, and as it stands in the fields of a form. */

export const KINDS = ["cron", "every", "rrule", "once"] as const;
export type Kind = (typeof KINDS)[number] | "spec";

export interface Rule {
  kind: Kind;
  /** One in each line; of `spec` its JSON. */
  text: string;
  tz: string;
  gap: string;
  fold: string;
  day_match: string;
  except_cron: string;
  closed: string;
  workdays: string;
  otherwise: string;
}

export const EMPTY: Rule = {
  kind: "cron",
  text: "",
  tz: "UTC",
  gap: "",
  fold: "",
  day_match: "",
  except_cron: "",
  closed: "",
  workdays: "",
  otherwise: "",
};

type Spec = Record<string, unknown>;

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((each) => each.trim())
    .filter(Boolean);

/** The fields that say it; what no field can say is told whole, as JSON. */
export function ruleOf(spec: Spec): Rule {
  return read(spec) ?? { ...EMPTY, kind: "spec", text: JSON.stringify(spec, null, 2) };
}

function read(spec: Spec): Rule | null {
  if (spec.kind === "workdays") return readWorkdays(spec);
  if (spec.kind === "exclusion") {
    const source = read(spec.source as Spec);
    const barred = read(spec.excluded as Spec);
    if (!source || barred?.kind !== "cron" || barred.tz !== source.tz || source.except_cron)
      return null;
    return { ...source, except_cron: barred.text };
  }
  if (spec.kind === "union") return readTogether(spec.members as Spec[]);
  return readOne(spec);
}

function readWorkdays(spec: Spec): Rule | null {
  const source = read(spec.source as Spec);
  const calendar = spec.calendar as { name: string; closed: string[][] };
  if (!source) return null;
  if (calendar.name)
    return { ...source, workdays: calendar.name, otherwise: String(spec.otherwise ?? "") };
  return { ...source, closed: calendar.closed.map((each) => each.join("/")).join("\n") };
}

function readTogether(specs: Spec[]): Rule | null {
  const found = specs.map(readOne);
  const first = found[0];
  if (!first || first.kind === "rrule") return null;
  const rest = { ...first, text: "" };
  const are = found.every((each) => JSON.stringify({ ...each, text: "" }) === JSON.stringify(rest));
  return are ? { ...first, text: found.map((each) => each?.text).join("\n") } : null;
}

function readOne(spec: Spec): Rule | null {
  const said: Record<string, string> = {
    cron: "expr",
    every: "every",
    calendar: "every",
    rrule: "rrule",
    once: "at",
  };
  const key = said[String(spec.kind)];
  const text = key && spec[key];
  if (typeof text !== "string") return null;
  const told = (name: string, usual: string) =>
    spec[name] === undefined || spec[name] === usual ? "" : String(spec[name]);
  return {
    ...EMPTY,
    kind: spec.kind === "calendar" ? "every" : (spec.kind as Kind),
    text,
    tz: String(spec.tz ?? "UTC"),
    gap: told("gap", "after"),
    fold: told("fold", "first"),
    day_match: told("day_match", "or"),
  };
}

/** The body that asks for it. Throws SyntaxError where a `spec` is no JSON. */
export function asked(rule: Rule): Record<string, unknown> {
  const closed = lines(rule.closed);
  const common = {
    workdays: rule.workdays || undefined,
    otherwise: (rule.workdays && rule.otherwise) || undefined,
  };
  if (rule.kind === "spec") return { recurrence: JSON.parse(rule.text), ...common };
  const isOfClock = rule.kind === "cron" || rule.kind === "rrule";
  const hasZone = isOfClock || (rule.kind === "every" && rule.tz !== "UTC");
  const except = lines(rule.except_cron);
  return {
    [rule.kind]: rule.kind === "rrule" ? [rule.text.trim()] : lines(rule.text),
    tz: hasZone ? rule.tz : undefined,
    gap: (isOfClock && rule.gap) || undefined,
    fold: (isOfClock && rule.fold) || undefined,
    day_match: (rule.kind === "cron" && rule.day_match) || undefined,
    except_cron: except.length ? except : undefined,
    closed: closed.length ? closed : undefined,
    ...common,
  };
}

/** The same as a change: what was there and is not any more is taken away. */
export function changed(before: Rule, after: Rule): Record<string, unknown> {
  if (JSON.stringify(before) === JSON.stringify(after)) return {};
  const said = asked(after);
  if (after.kind === "spec") return said;
  return {
    ...said,
    closed: said.closed ?? (before.closed ? null : undefined),
    workdays: said.workdays ?? (before.workdays ? null : undefined),
  };
}

/** What was written to say when: one line. */
export function expression(spec: Spec): string {
  const found = read(spec);
  if (!found) return String(spec.kind ?? "");
  return found.text.split("\n").join(" · ");
}
