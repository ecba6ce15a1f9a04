import { describe, expect, it } from "vitest";
import { parse } from "./exact";
import { openAtFirst, openable, rowsOf } from "./json_rows";

const shown = (text: string, open?: string[]) => {
  const value = parse(text);
  return rowsOf(value, new Set(open ?? openAtFirst(value))).map(
    (row) => `${" ".repeat(row.depth)}${row.name === null ? "" : `${row.name}: `}${row.text}`,
  );
};

describe("the lines of a value", () => {
  it("stand in its order, with all digits", () => {
    expect(shown('{"b":[1,{"10":9007199254740993}],"a":null}')).toEqual([
      "{",
      " b: [",
      "  1",
      "  {",
      "   10: 9007199254740993",
      "  }",
      " ]",
      " a: null",
      "}",
    ]);
  });

  it("tell how much is in what is not open", () => {
    expect(shown('{"a":[1,2],"b":{},"c":[]}', [""])).toEqual([
      "{",
      " a: [ 2 ]",
      " b: {}",
      " c: []",
      "}",
    ]);
  });

  it("hide what the server hid, and nothing else", () => {
    expect(shown('["***","****"]')).toEqual(["[", " ••• (hidden)", ' "****"', "]"]);
  });

  it("show what cannot be seen by its number", () => {
    expect(shown('"a\\u202eb\\u0007"')).toEqual(['"a\\u202eb\\u0007"']);
  });

  it("name the place as a filter does", () => {
    const value = parse('{"customer":{"ids":[7]}}');
    const places = rowsOf(value, new Set(openable(value))).map((row) => row.place);
    expect(places).toContain("customer.ids.0");
  });

  it("may be 5,000 deep, all of them open", () => {
    const value = parse(`${"[".repeat(5_000)}1${"]".repeat(5_000)}`);
    expect(rowsOf(value, new Set(openable(value)))).toHaveLength(10_001);
    expect(openAtFirst(value)).toHaveLength(4);
  });

  it("are few at first where there are many", () => {
    const value = parse(JSON.stringify({ many: Array.from({ length: 1000 }, (_, n) => n) }));
    expect(rowsOf(value, new Set(openAtFirst(value)))).toHaveLength(3);
  });
});
