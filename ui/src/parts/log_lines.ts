import type { Change } from "../live";
import { at, type Exact, Fields, type Numeral, parse, write } from "./exact";

/** A line that a job wrote; its fields as JSON on one line, or nothing. */
export interface LogLine {
  at: string;
  attempt: number;
  line: number;
  level: string;
  message: string;
  fields: string;
}

/** Numbers with more digits than JSON.parse keeps. */
const LONG_NUMBER = /\d{16}/;

/** The lines of an answer, as text. */
export function linesOf(text: string): LogLine[] {
  // To read exactly takes ten times as long: it is done where it makes a difference.
  if (LONG_NUMBER.test(text)) return ((at(parse(text), "data") ?? []) as Exact[]).map(exactLine);
  const { data } = JSON.parse(text) as { data: (LogLine & { fields: object })[] };
  return data.map((line) => ({ ...line, fields: fieldsOf(JSON.stringify(line.fields)) }));
}

/** What the lines before these are asked for with, of an answer. */
export function previousOf(text: string): string | null {
  const page = JSON.parse(text.slice(text.lastIndexOf('"page":') + 7, -1)) as {
    previous: string | null;
  };
  return page.previous;
}

function exactLine(line: Exact): LogLine {
  const text = (name: string) => String((line as Fields).get(name) ?? "");
  const number = (name: string) => Number(((line as Fields).get(name) as Numeral).text);
  return {
    at: text("at"),
    attempt: number("attempt"),
    line: number("line"),
    level: text("level"),
    message: text("message"),
    fields: fieldsOf(write((line as Fields).get("fields") ?? new Fields([]))),
  };
}

const fieldsOf = (text: string): string => (text === "{}" ? "" : text);

/** So far back it is looked whether a line is known. */
const NEAR = 2_000;

/** The lines with those that were just told; null where some are missing, and all is read anew. */
export function withTold(lines: LogLine[], told: Change[]): LogLine[] | null {
  const more: LogLine[] = [];
  for (const change of told) {
    if (change.what !== "line") continue;
    const next = lineOf(change);
    const last = more.at(-1) ?? lines.at(-1);
    if (follows(last, next)) more.push(next);
    else if (!lines.slice(-NEAR).some((each) => isSame(each, next))) return null;
    if (LONG_NUMBER.test(next.fields)) return null;
  }
  return more.length ? [...lines, ...more] : lines;
}

function lineOf(change: Change): LogLine {
  return {
    at: change.at ?? "",
    attempt: change.attempt ?? 0,
    line: change.line ?? 0,
    level: change.level ?? "info",
    message: change.message ?? "",
    fields: fieldsOf(JSON.stringify(change.fields ?? {})),
  };
}

function follows(last: LogLine | undefined, next: LogLine): boolean {
  if (last && last.attempt === next.attempt && next.line === last.line + 1) return true;
  return next.line === 1 && (!last || Date.parse(next.at) > Date.parse(last.at));
}

const isSame = (one: LogLine, other: LogLine): boolean =>
  one.attempt === other.attempt &&
  one.line === other.line &&
  Date.parse(one.at) === Date.parse(other.at);

const LEVELS = ["debug", "info", "warning", "error"];

/** Lines of that level or above. */
export function from(lines: LogLine[], level: string): LogLine[] {
  const least = LEVELS.indexOf(level);
  if (least <= 0) return lines;
  return lines.filter((line) => LEVELS.indexOf(line.level) >= least);
}

/** Where a text stands, in any case of letters: numbers of lines. */
export function found(lines: LogLine[], sought: string): number[] {
  const wanted = sought.toLowerCase();
  if (!wanted) return [];
  return lines.flatMap((line, number) =>
    line.message.toLowerCase().includes(wanted) || line.fields.toLowerCase().includes(wanted)
      ? [number]
      : [],
  );
}

/** The lines as a text file. */
export function asText(lines: LogLine[]): string {
  return lines
    .map((line) =>
      [line.at, line.attempt, line.level.padEnd(7), line.message, line.fields].join(" ").trimEnd(),
    )
    .join("\n")
    .concat("\n");
}
