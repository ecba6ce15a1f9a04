import { Fields, parse, write } from "./exact";

/** The members of an object, each as it is written: numbers of any size stay as they are. */
export function members(text: string): Record<string, string> {
  const value = parse(text);
  const entries = value instanceof Fields ? value.entries : [];
  return Object.fromEntries(entries.map(([name, each]) => [name, write(each)]));
}

/** The same JSON with a line for each member and element. */
export function spread(text: string): string {
  return write(parse(text), 2);
}

/** The same JSON without any space that says nothing; what is no JSON stays as it is. */
export function tight(text: string): string {
  try {
    return write(parse(text));
  } catch {
    return text;
  }
}

/** Whether it is a JSON object. */
export function isObject(text: string): boolean {
  try {
    return parse(text) instanceof Fields;
  } catch {
    return false;
  }
}

/** The JSON of a body of which some members are put in as they are written. */
export function bodyWith(body: object, raw: Record<string, string>): string {
  const said = Object.entries(body)
    .filter(([name, value]) => value !== undefined && !(name in raw))
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const written = Object.entries(raw).map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `{${[...said, ...written].join(",")}}`;
}
