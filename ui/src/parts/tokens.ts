import type { JobsSought } from "../router";

/** Words that may be given again: one of their values is enough. */
const MANY = ["state", "task", "queue", "schedule", "tag", "owner", "region"] as const;
const ONE = {
  id: "id",
  error: "error",
  since: "created_since",
  until: "created_until",
  "ended-since": "finished_since",
  "ended-until": "finished_until",
  sort: "sort",
} as const;

export const STATES = [
  "running",
  "pending",
  "blocked",
  "scheduled",
  "retrying",
  "failed",
  "cancelled",
  "completed",
] as const;
const SORTS = ["newest", "oldest", "last-ended", "first-ended"];

/** All words of the line, as they begin a token. */
export const WORDS = [...MANY, ...Object.keys(ONE), "arg."];

type Many = (typeof MANY)[number];
type One = keyof typeof ONE;

const TOKEN = /(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g;

/** What a line of tokens asks for, `state:failed task:charge arg.order_id:42`; or what is wrong with it. */
export function sought(typed: string): { search: JobsSought; wrong: string | null } {
  const search: JobsSought = {};
  for (const token of typed.match(TOKEN) ?? []) {
    const wrong = take(search, token);
    if (wrong) return { search, wrong };
  }
  return { search, wrong: null };
}

/** Adds a token; or says what is wrong with it. */
function take(search: JobsSought, token: string): string | null {
  const colon = token.search(/[:"]/);
  const isAlone = colon < 0 || token[colon] === '"';
  const name = isAlone ? "task" : token.slice(0, colon);
  const value = isAlone ? token : token.slice(colon + 1);
  if (!value) return `${name}: give a value, like ${name}:something`;
  if (name.startsWith("arg.") && name.length > 4) {
    search.arg = [...listed(search.arg), `${name.slice(4)}=${value}`];
    return null;
  }
  const said = unquoted(value);
  if (said === null) return `${token}: the quotes do not end`;
  if (isMany(name)) return takeOfMany(search, name, said, value);
  if (name in ONE) return takeOne(search, name as One, said);
  return `${name}: there is no such word; take ${[...MANY, ...Object.keys(ONE)].join(", ")} or arg.NAME`;
}

function takeOfMany(search: JobsSought, name: Many, said: string, raw: string): string | null {
  const several = name === "state" && !raw.startsWith('"') ? said.split(",") : [said];
  const unknown =
    name === "state" && several.find((each) => !(STATES as readonly string[]).includes(each));
  if (unknown !== undefined && unknown !== false) {
    return `${unknown || "nothing"} is no state; take ${STATES.join(", ")}`;
  }
  search[name] = [...listed(search[name]), ...several];
  return null;
}

function takeOne(search: JobsSought, name: One, said: string): string | null {
  const field = ONE[name];
  if (search[field]) return `${name} is given twice; give it once`;
  if (name === "sort" && !SORTS.includes(said)) {
    return `${said} is no order; take ${SORTS.join(", ")}`;
  }
  if (field.endsWith("since") || field.endsWith("until")) {
    if (!momentOf(said, 0)) {
      return `${name}: ${said} is no moment; take one with its zone like 2026-11-29T03:00:00Z, or how long ago like 24h`;
    }
  }
  search[field] = said;
  return null;
}

const isMany = (name: string): name is Many => (MANY as readonly string[]).includes(name);

/** The words of a field, of which the address may have one alone. */
export function listed(words: string | string[] | undefined): string[] {
  return words === undefined ? [] : Array.isArray(words) ? words : [words];
}

function unquoted(value: string): string | null {
  if (!value.includes('"')) return value;
  try {
    return value.replace(/"(?:[^"\\]|\\.)*"?/g, (each) => JSON.parse(each) as string);
  } catch {
    return null;
  }
}

const quoted = (value: string): string => (/[\s"\\]/.test(value) ? JSON.stringify(value) : value);

/** The line of tokens that asks for it. */
export function words(search: JobsSought): string {
  const told: string[] = [];
  for (const name of MANY) {
    const values = listed(search[name]);
    if (name === "state" && values.length) told.push(`state:${values.join(",")}`);
    else for (const value of values) told.push(`${name}:${quoted(value)}`);
  }
  for (const [name, field] of Object.entries(ONE)) {
    const value = search[field];
    if (value) told.push(`${name}:${quoted(value)}`);
  }
  for (const each of listed(search.arg)) told.push(`arg.${each.replace("=", ":")}`);
  return told.join(" ");
}

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** The moment that is meant: itself, or how long before now ("24h"); null where it is none. */
export function momentOf(said: string, now: number): string | null {
  const ago = /^(\d{1,6})([smhdw])$/.exec(said);
  if (ago) {
    const seconds = Number(ago[1]) * (UNITS[ago[2] as string] as number);
    return new Date(now - seconds * 1000).toISOString();
  }
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(said);
  return isMoment && !Number.isNaN(Date.parse(said)) ? said : null;
}

/** What may be said, by the word that it is said of: names that are known. */
export type Known = Partial<Record<string, readonly string[]>>;

/** Lines that the one that is typed may become: its last token completed. */
export function completions(typed: string, known: Known): { line: string; token: string }[] {
  const last = /(?:[^\s"]|"(?:[^"\\]|\\.)*"?)*$/.exec(typed)?.[0] ?? "";
  const before = typed.slice(0, typed.length - last.length);
  const colon = last.indexOf(":");
  const name = last.slice(0, colon);
  const tokens =
    colon < 0
      ? [
          ...WORDS.map((each) => (each === "arg." ? each : `${each}:`)),
          ...(last ? (known.task ?? []).map((each) => `task:${quoted(each)}`) : []),
        ]
      : valuesOf(name, known).map((each) => `${name}:${quoted(each)}`);
  const wanted = last.toLowerCase();
  const said = colon < 0 ? wanted : wanted.slice(colon + 1).replace(/"/g, "");
  return tokens
    .filter((each) => fits(each, colon < 0 ? wanted : "", said) && each !== last)
    .slice(0, 12)
    .map((token) => ({ line: before + token + (/[:.]$/.test(token) ? "" : " "), token }));
}

function fits(token: string, head: string, said: string): boolean {
  const low = token.toLowerCase();
  if (head) return low.startsWith(head) || (low.startsWith("task:") && low.includes(head));
  return low.slice(low.indexOf(":") + 1).includes(said);
}

function valuesOf(name: string, known: Known): readonly string[] {
  if (name === "state") return STATES;
  if (name === "sort") return SORTS;
  if (name in ONE && /since|until/.test(name)) return ["1h", "24h", "7d"];
  return known[name] ?? [];
}
