import { describe, expect, it } from "vitest";
import { at, brief, literal, parse, seen, write } from "./exact";

describe("JSON that is read exactly", () => {
  it.each([
    "12345678901234567890123456789",
    "-0.10000000000000000000001",
    "1e400",
    "null",
    '"a \\" b"',
    "[]",
    "{}",
    '{"b":1,"10":2,"2":3}',
    '{"a":1,"a":2}',
    '{"__proto__":{"x":[true,false,null]}}',
    '[[1,"x"],{"y":[]}]',
  ])("is written as it was: %s", (text) => expect(write(parse(text))).toBe(text));

  it("may be 20,000 deep", () => {
    const text = "[".repeat(20_000) + "]".repeat(20_000);
    expect(() => parse(text)).not.toThrow();
  });

  it("may hold a text of 2 MB", () => {
    const text = JSON.stringify({ x: 'a\\ "'.repeat(500_000) });
    expect(write(parse(text))).toBe(text);
  });

  it("is written over lines with what is within indented", () => {
    expect(write(parse('{"a":[1,{}],"b":""}'), 2)).toBe(
      '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": ""\n}',
    );
  });

  it.each([
    "",
    "{",
    "[1,]",
    "{1:2}",
    '{"a" 1}',
    "[1 2]",
    "01",
    "1 2",
    "NaN",
    '"\\x"',
    '"a\nb"',
    "]",
    "{,}",
    '{"a":}',
    "tru",
  ])("is refused where JSON refuses it: %s", (text) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(() => parse(text)).toThrow(SyntaxError);
  });

  it("tells the line and column where it is wrong", () => {
    expect(() => parse('{"a": 1,\n  oops}')).toThrow("line 2, column 3");
    expect(() => parse("[1,")).toThrow("the end comes early");
  });

  it("is found by places", () => {
    const found = at(parse('{"data":[{"args":{"n":9007199254740993}}]}'), "data", 0, "args", "n");
    expect(found && write(found)).toBe("9007199254740993");
    expect(at(parse("[1]"), 0, "a")).toBeUndefined();
  });
});

describe("what is not seen", () => {
  it("is shown by its number", () => {
    expect(seen("a\u202eb\u0000\u001b[31m\u200b")).toBe("a\\u202eb\\u0000\\u001b[31m\\u200b");
    expect(seen("ok \u{1f600}")).toBe("ok \u{1f600}");
    expect(seen("\ud800!")).toBe("\\ud800!");
  });

  it("is escaped once in a text as JSON writes it", () => {
    expect(literal('a\n"\u202e')).toBe('"a\\n\\"\\u202e"');
  });

  it("is cut where it is long", () => {
    expect(brief("x".repeat(1000), 10)).toBe('"xxxxxxxxx…');
  });
});
