import { describe, expect, it } from "vitest";
import { asText, found, from, type LogLine, linesOf, previousOf, withTold } from "./log_lines";

const line = (number: number, more: Partial<LogLine> = {}): LogLine => ({
  at: `2026-11-29T12:00:${String(number).padStart(2, "0")}Z`,
  attempt: 1,
  line: number,
  level: "info",
  message: `line ${number}`,
  fields: "",
  ...more,
});
const told = ({ fields, ...rest }: LogLine) => ({
  kind: "job",
  id: "x",
  what: "line",
  ...rest,
  fields: fields ? (JSON.parse(fields) as Record<string, unknown>) : {},
});

describe("lines of an answer", () => {
  const answer = (fields: string) =>
    `{"data":[{"at":"2026-11-29T12:00:01Z","attempt":1,"line":1,"level":"info","message":"m","fields":${fields}}]}`;

  it("have their fields as they were written, with all digits", () => {
    expect(linesOf(answer('{"n":12345678901234567890}'))[0]?.fields).toBe(
      '{"n":12345678901234567890}',
    );
    expect(linesOf(answer('{"order":-7}'))[0]?.fields).toBe('{"order":-7}');
    expect(linesOf(answer("{}"))[0]?.fields).toBe("");
  });

  it("tell what those before are asked for with", () => {
    const page = (previous: string) => `{"data":[],"page":{"previous":${previous},"size":0}}`;
    expect(previousOf(page('"x"'))).toBe("x");
    expect(previousOf(page("null"))).toBeNull();
  });

  it("are the same whichever way they are read", () => {
    const plain = linesOf(answer('{"a":1}'))[0];
    const exact = linesOf(answer('{"a":1,"b":1234567890123456}'))[0];
    expect({ ...exact, fields: "" }).toEqual({ ...plain, fields: "" });
  });
});

describe("lines that are told as they are written", () => {
  const two = [line(1), line(2)];

  it("are added where they follow", () => {
    expect(withTold(two, [told(line(3)), told(line(4))])?.map((each) => each.line)).toEqual([
      1, 2, 3, 4,
    ]);
  });

  it("are not added twice", () => expect(withTold(two, [told(line(2))])).toEqual(two));

  it("may begin a new attempt, also where its number was there before", () => {
    const again = line(1, { at: "2026-11-29T13:00:00Z" });
    expect(withTold(two, [told(again)])?.length).toBe(3);
  });

  it("are all read anew where one is missing", () => {
    expect(withTold(two, [told(line(4))])).toBeNull();
    expect(withTold([], [told(line(4))])).toBeNull();
  });

  it("are all read anew where a number would lose digits", () => {
    expect(withTold(two, [told(line(3, { fields: '{"n":12345678901234567890}' }))])).toBeNull();
  });
});

describe("many lines", () => {
  const lines = [
    line(1, { level: "debug" }),
    line(2, { level: "error", message: "Boom" }),
    line(3),
  ];

  it("are narrowed by level", () => {
    expect(from(lines, "info").map((each) => each.line)).toEqual([2, 3]);
    expect(from(lines, "debug")).toHaveLength(3);
  });

  it("are searched in any case of letters", () => {
    expect(found(lines, "boom")).toEqual([1]);
    expect(found(lines, "")).toEqual([]);
  });

  it("are a file", () => {
    expect(asText([line(1)])).toBe("2026-11-29T12:00:01Z 1 info    line 1\n");
  });
});
