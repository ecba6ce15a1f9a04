/** JSON as it was written: numbers of any size stay as they are, which JSON.parse would round. */

/** Where the value that begins at `at` ends: behind its last character. */
function endOf(text: string, at: number): number {
  if (text[at] === '"') return endOfText(text, at);
  if (text[at] !== "{" && text[at] !== "[") {
    let end = at;
    while (end < text.length && !/[,\]}\s]/.test(text[end] as string)) end++;
    return end;
  }
  let depth = 0;
  for (let place = at; place < text.length; place++) {
    const sign = text[place];
    if (sign === '"') place = endOfText(text, place) - 1;
    else if (sign === "{" || sign === "[") depth++;
    else if ((sign === "}" || sign === "]") && --depth === 0) return place + 1;
  }
  return text.length;
}

function endOfText(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
  return end + 1;
}

/** The members of an object, each as it is written. */
export function members(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  let at = text.indexOf("{") + 1;
  for (;;) {
    while (at < text.length && /[\s,]/.test(text[at] as string)) at++;
    if (text[at] !== '"') return found;
    const behind = endOfText(text, at);
    const name = JSON.parse(text.slice(at, behind)) as string;
    at = text.indexOf(":", behind) + 1;
    while (/\s/.test(text[at] ?? "x")) at++;
    const end = endOf(text, at);
    found[name] = text.slice(at, end);
    at = end;
  }
}

/** The same JSON with a line for each member and element. */
export function spread(text: string): string {
  let told = "";
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] as string;
    if (sign === '"') {
      const end = endOfText(text, at);
      told += text.slice(at, end);
      at = end - 1;
    } else if (sign === "{" || sign === "[") {
      const rest = text.slice(at + 1).trimStart();
      if (rest[0] === "}" || rest[0] === "]") {
        told += sign + rest[0];
        at = text.indexOf(rest[0], at + 1);
      } else told += `${sign}\n${"  ".repeat(++depth)}`;
    } else if (sign === "}" || sign === "]") told += `\n${"  ".repeat(--depth)}${sign}`;
    else if (sign === ",") told += `,\n${"  ".repeat(depth)}`;
    else if (sign === ":") told += ": ";
    else if (!/\s/.test(sign)) told += sign;
  }
  return told;
}

/** The same JSON without any space that says nothing. */
export function tight(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (found) => (found[0] === '"' ? found : ""));
}

/** Whether it is a JSON object. */
export function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
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
