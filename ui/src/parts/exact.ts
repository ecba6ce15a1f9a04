/**
 * JSON as it was written: numbers keep all their digits and names their order, which `JSON.parse`
 * gives up (2^53 + 1 becomes 2^53, and a name like "10" comes before "b").
 */
export type Exact = null | boolean | string | Numeral | Exact[] | Fields;

/** A number, by its digits. */
export class Numeral {
  constructor(readonly text: string) {}
}

/** What is in braces, in its order; a name may stand there twice. */
export class Fields {
  constructor(readonly entries: [name: string, value: Exact][]) {}

  /** What is there by that name: the last, as everybody reads it. */
  get(name: string): Exact | undefined {
    return this.entries.findLast(([each]) => each === name)?.[1];
  }
}

const TOKEN =
  /[ \t\n\r]*(?:([{}[\],:])|("[^"\\]*(?:\\.[^"\\]*)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))/y;
const WORDS: Record<string, Exact> = { true: true, false: false, null: null };
const ZEROS = /^-?0\d/;

interface Open {
  value: Exact[] | Fields;
  name: string | null;
}

/** Reads a text; however deep it is. Throws SyntaxError with the place where it ends to be JSON. */
export function parse(text: string): Exact {
  return new Reader(text).whole();
}

class Reader {
  private at = 0;
  private readonly open: Open[] = [];

  constructor(private readonly text: string) {}

  whole(): Exact {
    let value = this.begin(this.token());
    while (this.open.length) value = this.step(value);
    if (this.text.slice(this.at).trim()) throw this.wrong();
    return value as Exact;
  }

  /** What begins with the token; undefined where it only opened. */
  private begin(token: string): Exact | undefined {
    if (token === "{") return this.enter(new Fields([]));
    if (token === "[") return this.enter([]);
    if (token[0] === '"') return this.word(token);
    if (token in WORDS) return WORDS[token];
    if (/^[-\d]/.test(token) && !ZEROS.test(token)) return new Numeral(token);
    throw this.wrong(token);
  }

  private enter(value: Exact[] | Fields): undefined {
    this.open.push({ value, name: null });
    return undefined;
  }

  /** Goes on within what is open: with what was read last, if anything was. */
  private step(last: Exact | undefined): Exact | undefined {
    const top = this.open[this.open.length - 1] as Open;
    const end = top.value instanceof Fields ? "}" : "]";
    if (last !== undefined) this.put(top, last);
    const token = this.token();
    const isFirst = last === undefined;
    if (token === end) {
      this.open.pop();
      return top.value;
    }
    if (!isFirst && token !== ",") throw this.wrong(token);
    return this.member(top, isFirst ? token : this.token());
  }

  private member(top: Open, token: string): Exact | undefined {
    if (!(top.value instanceof Fields)) return this.begin(token);
    if (token[0] !== '"') throw this.wrong(token);
    top.name = this.word(token);
    if (this.token() !== ":") throw this.wrong();
    return this.begin(this.token());
  }

  private put(top: Open, value: Exact): void {
    if (top.value instanceof Fields) top.value.entries.push([top.name as string, value]);
    else top.value.push(value);
  }

  private token(): string {
    TOKEN.lastIndex = this.at;
    const found = TOKEN.exec(this.text);
    if (!found) throw this.wrong();
    this.at = TOKEN.lastIndex;
    return (found[1] ?? found[2] ?? found[3] ?? found[4]) as string;
  }

  private word(token: string): string {
    try {
      return JSON.parse(token) as string;
    } catch {
      throw this.wrong(token);
    }
  }

  private wrong(token = ""): SyntaxError {
    const from = this.at - token.length;
    const rest = this.text.slice(from).trimStart();
    const lines = this.text.slice(0, this.text.length - rest.length).split("\n");
    const column = (lines[lines.length - 1] as string).length + 1;
    const what = rest
      ? `${JSON.stringify(rest.slice(0, 12))} makes no sense`
      : "the end comes early";
    return new SyntaxError(`line ${lines.length}, column ${column}: ${what}`);
  }
}

/** The text of it, with every digit: on one line, or indented. */
export function write(value: Exact, indent = 0, within = ""): string {
  if (value instanceof Numeral) return value.text;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = within + " ".repeat(indent);
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((each) => write(each, indent, inner))
    : value.entries.map(
        ([name, each]) =>
          `${JSON.stringify(name)}:${indent ? " " : ""}${write(each, indent, inner)}`,
      );
  const [begin, end] = isList ? "[]" : "{}";
  if (!parts.length) return `${begin}${end}`;
  if (!indent) return `${begin}${parts.join(",")}${end}`;
  return `${begin}\n${inner}${parts.join(`,\n${inner}`)}\n${within}${end}`;
}

/**
 * What stands for a character that is not seen, or moves what stands beside it: controls, marks of
 * direction, what has no width, halves of pairs.
 */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The text with an escape in place of every character that is not seen. */
export function seen(text: string): string {
  return text.replace(UNSEEN, (each) => {
    const code = each.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });
}

/** A text as JSON writes it, in which nothing is unseen. */
export function literal(text: string): string {
  return seen(JSON.stringify(text));
}

/** A value on one line, of so many characters at most. */
export function brief(value: Exact, most = 300): string {
  const text = write(value);
  return seen(text.length > most ? `${text.slice(0, most)}…` : text);
}

/** An answer that was asked for with `parseAs: "text"`: as all code reads it, and exactly. */
export async function exactly<T>(
  answer: Promise<{ data: T }>,
): Promise<{ said: NonNullable<T>; exact: Exact }> {
  const text = (await answer).data as unknown as string;
  return { said: JSON.parse(text) as NonNullable<T>, exact: parse(text) };
}

/** What is at that place of it: names, and numbers from 0. */
export function at(value: Exact, ...path: (string | number)[]): Exact | undefined {
  let found: Exact | undefined = value;
  for (const each of path) {
    if (found instanceof Fields) found = found.get(String(each));
    else if (Array.isArray(found)) found = found[Number(each)];
    else return undefined;
  }
  return found;
}
