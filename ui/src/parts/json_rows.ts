import { type Exact, Fields, literal, Numeral } from "./exact";

/** One line of a value that is shown: a name and what it is, or the end of what is open. */
export interface Row {
  /** Where it is: numbers of members, from the outermost. */
  path: string;
  depth: number;
  name: string | null;
  kind: "number" | "text" | "word" | "hidden" | "begin" | "closed" | "end";
  text: string;
  /** What it is called within the whole, as a filter names it: `customer.id`. */
  place: string;
}

/** What is shown in place of a secret, by the server. */
const HIDDEN = "***";

/** So many members are shown open by themselves. */
const MANY = 50;
const DEEP = 4;

/** What is open at first: not what is deep, nor what is long. */
export function openAtFirst(value: Exact, path = "", depth = 0): string[] {
  const members = membersOf(value);
  if (!members?.length || depth >= DEEP || (depth > 0 && members.length > MANY)) return [];
  const within = members.flatMap(([, each], number) =>
    openAtFirst(each, `${path}.${number}`, depth + 1),
  );
  return [path, ...within];
}

/** Everything that can be open. */
export function openable(value: Exact): string[] {
  const found: string[] = [];
  const left: [Exact, string][] = [[value, ""]];
  while (left.length) {
    const [each, path] = left.pop() as [Exact, string];
    const members = membersOf(each);
    if (!members?.length) continue;
    found.push(path);
    for (const [number, [, member]] of members.entries()) left.push([member, `${path}.${number}`]);
  }
  return found;
}

/** The lines of a value, of which that is open; however deep it is. */
export function rowsOf(value: Exact, open: ReadonlySet<string>): Row[] {
  const rows: Row[] = [];
  const left: (Row | Member)[] = [{ value, path: "", depth: 0, name: null, place: "" }];
  while (left.length) {
    const next = left.pop() as Row | Member;
    if ("kind" in next) rows.push(next);
    else left.push(...lines(next, rows, open).reverse());
  }
  return rows;
}

interface Member {
  value: Exact;
  path: string;
  depth: number;
  name: string | null;
  place: string;
}

/** Adds the first line of a member; what comes behind it, where it is open. */
function lines(of: Member, rows: Row[], open: ReadonlySet<string>): (Row | Member)[] {
  const { value, ...row } = of;
  const members = membersOf(value);
  if (!members) {
    rows.push({ ...row, ...simple(value) });
    return [];
  }
  const [begin, end] = Array.isArray(value) ? "[]" : "{}";
  if (!members.length || !open.has(of.path)) {
    const text = members.length ? `${begin} ${members.length} ${end}` : `${begin}${end}`;
    rows.push({ ...row, kind: members.length ? "closed" : "word", text });
    return [];
  }
  rows.push({ ...row, kind: "begin", text: begin as string });
  const within = members.map(([name, each], number) => ({
    value: each,
    path: `${of.path}.${number}`,
    depth: of.depth + 1,
    name,
    place: [of.place, name ?? String(number)].filter(Boolean).join("."),
  }));
  return [...within, { ...row, name: null, path: `${of.path}$`, kind: "end", text: end as string }];
}

function simple(value: Exact): Pick<Row, "kind" | "text"> {
  if (value instanceof Numeral) return { kind: "number", text: value.text };
  if (value === HIDDEN) return { kind: "hidden", text: "••• (hidden)" };
  if (typeof value === "string") return { kind: "text", text: literal(value) };
  return { kind: "word", text: String(value) };
}

function membersOf(value: Exact): [string | null, Exact][] | null {
  if (Array.isArray(value)) return value.map((each) => [null, each]);
  return value instanceof Fields ? value.entries : null;
}
