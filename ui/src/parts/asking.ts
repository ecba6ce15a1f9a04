import type { JobOut, JobsListData, OperationAction } from "../client/types.gen";
import type { JobsSought } from "../router";
import { type Exact, Fields, Numeral, parse, write } from "./exact";
import { listed, momentOf } from "./tokens";

export type Action = OperationAction;
type Query = NonNullable<JobsListData["query"]>;

const LISTS = ["state", "task", "queue", "schedule", "tag", "owner", "region"] as const;
const MOMENTS = ["created_since", "created_until", "finished_since", "finished_until"] as const;
const TEXTS = ["id", "error"] as const;

/** What the API is asked for a list of jobs; "24h" is so long before `now`. */
export function queryOf(search: JobsSought, now: number): Query {
  const query: Record<string, unknown> = {};
  for (const name of [...LISTS, "arg"] as const) {
    if (listed(search[name]).length) query[name] = listed(search[name]);
  }
  for (const name of MOMENTS) {
    const said = search[name];
    if (said) query[name] = momentOf(said, now) ?? said;
  }
  for (const name of [...TEXTS, "sort", "after", "before"] as const) {
    if (search[name]) query[name] = search[name];
  }
  return query as Query;
}

/** The same as the names and values of an address, without which page it is. */
export function pairsOf(search: JobsSought, now: number): [string, string][] {
  const { after: _after, before: _before, ...rest } = queryOf(search, now);
  return Object.entries(rest).flatMap(([name, value]) =>
    listed(value as string | string[]).map((each): [string, string] => [name, each]),
  );
}

/** Which jobs a filter means, as an operation is told it. */
function whereOf(search: JobsSought, now: number): Fields {
  const { arg, sort: _sort, after: _after, before: _before, ...rest } = queryOf(search, now);
  const entries = Object.entries(rest).map(([name, value]): [string, Exact] => [
    name,
    value as Exact,
  ]);
  if (arg?.length) entries.push(["args", new Fields(arg.map(placeOf))]);
  return new Fields(entries);
}

/** `customer.id=42` as a place and what is there: a JSON value, or else the text itself. */
function placeOf(said: string): [string, Exact] {
  const sign = said.indexOf("=");
  const text = said.slice(sign + 1);
  let value: Exact = text;
  try {
    value = parse(text);
  } catch {
    // It is no JSON: so it is meant as it stands.
  }
  return [said.slice(0, sign), value];
}

/** Which jobs something is to be done to: those that were chosen, or all that fit. */
export type Chosen = { ids: string[] } | { search: JobsSought };

/** The body that has it done, or counted. */
export function operationOf(
  action: Action,
  chosen: Chosen,
  { reason, isDry, now }: { reason: string; isDry: boolean; now: number },
): string {
  const which: [string, Exact] =
    "ids" in chosen ? ["ids", chosen.ids] : ["where", whereOf(chosen.search, now)];
  return write(
    new Fields([
      ["action", action],
      which,
      ...(reason ? [["reason", reason] as [string, Exact]] : []),
      ["dry_run", isDry],
    ]),
  );
}

/** The filter of an operation, as the list of jobs has it; null where it has no such. */
export function soughtBy(where: Exact | undefined): JobsSought | null {
  if (!(where instanceof Fields) || where.get("schedule") !== undefined) return null;
  const search: Record<string, unknown> = {};
  for (const [name, value] of where.entries) {
    if (name === "args" && value instanceof Fields) {
      search.arg = value.entries.map(([place, each]) => `${place}=${write(each)}`);
    } else search[name] = value instanceof Numeral ? value.text : value;
  }
  return search as JobsSought;
}

/** A word of a command line, as shells of the POSIX kind read it. */
export function shell(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`;
}

const OPTIONS: Record<string, string> = {
  created_since: "since",
  created_until: "until",
  finished_since: "ended-since",
  finished_until: "ended-until",
};

/** The command that lists the same. */
export function commandOf(search: JobsSought, now: number): string {
  const options = pairsOf(search, now).map(
    ([name, value]) => `--${OPTIONS[name] ?? name} ${shell(value)}`,
  );
  return ["onbeat jobs ls", ...options].join(" ");
}

/** The request that lists the same; the token is left to who runs it. */
export function curlOf(search: JobsSought, now: number, address: string): string {
  const data = pairsOf(search, now).map(
    ([name, value]) => `--data-urlencode ${shell(`${name}=${value}`)}`,
  );
  return [
    `curl -sS --get ${shell(`${address}api/v1/jobs`)}`,
    '-H "Authorization: Bearer $ONBEAT_TOKEN"',
    ...data,
  ].join(" \\\n  ");
}

/** A job as the API is asked for one: what it is asked again with. */
function bodyOf(job: JobOut, args: Exact): Fields {
  return new Fields([
    ["task", job.task],
    ["args", args],
    ["queue", job.queue],
    ["priority", new Numeral(String(job.priority))],
    ...(job.tags.length ? [["tags", job.tags] as [string, Exact]] : []),
  ]);
}

/** The command that asks for such a job. */
export function commandFor(job: JobOut, args: Exact): string {
  return [
    `onbeat jobs enqueue ${shell(job.task)} --args ${shell(write(args))}`,
    `--queue ${shell(job.queue)} --priority ${job.priority}`,
    ...job.tags.map((tag) => `--tag ${shell(tag)}`),
  ].join(" ");
}

/** The request that asks for such a job; the token is left to who runs it. */
export function curlFor(job: JobOut, args: Exact, address: string): string {
  return [
    `curl -sS ${shell(`${address}api/v1/jobs`)}`,
    '-H "Authorization: Bearer $ONBEAT_TOKEN"',
    "-H 'Content-Type: application/json'",
    `--data ${shell(write(bodyOf(job, args)))}`,
  ].join(" \\\n  ");
}
