import { expect, test } from "vitest";
import { bodyWith, isObject, members, spread, tight } from "./raw_json";

const WRITTEN = '{"id":12345678901234567890,"a":{"x":[1.0,2e400]},"t":"a \\"}, b","e":{},"l":[]}';

test("each member is told as it is written", () => {
  expect(members(WRITTEN)).toEqual({
    id: "12345678901234567890",
    a: '{"x":[1.0,2e400]}',
    t: '"a \\"}, b"',
    e: "{}",
    l: "[]",
  });
  expect(members(" { } ")).toEqual({});
});

test("what is spread over lines is the same when it is tight again", () => {
  expect(spread('{"a":[1,{"b":"x, y"}]}')).toBe(
    '{\n  "a": [\n    1,\n    {\n      "b": "x, y"\n    }\n  ]\n}',
  );
  expect(tight(spread(WRITTEN))).toBe(WRITTEN);
  expect(tight('{"a": ')).toBe('{"a": ');
});

test("a body holds what is written as it is", () => {
  expect(bodyWith({ name: "a", args: 1, no: undefined }, { args: "98765432109876543210" })).toBe(
    '{"name":"a","args":98765432109876543210}',
  );
});

test("only an object is one", () => {
  expect([isObject("{}"), isObject("[]"), isObject("null"), isObject("{")]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
