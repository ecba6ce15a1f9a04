import { describe, expect, it } from "vitest";
import { commandOf, curlOf, operationOf, pairsOf, queryOf, shell, soughtBy } from "./asking";
import { parse } from "./exact";
import { sought, words } from "./tokens";

const NOW = Date.parse("2026-11-29T12:00:00Z");
const of = (line: string) => sought(line).search;

describe("what the API is asked", () => {
  it("has lists, texts, and moments that are counted from now", () => {
    expect(queryOf(of("state:failed queue:a arg.n:1 error:x since:1h sort:oldest"), NOW)).toEqual({
      state: ["failed"],
      queue: ["a"],
      arg: ["n=1"],
      error: "x",
      created_since: "2026-11-29T11:00:00.000Z",
      sort: "oldest",
    });
  });

  it("is of no page where a whole list is meant", () => {
    expect(pairsOf({ ...of("queue:a queue:b"), after: "x" }, NOW)).toEqual([
      ["queue", "a"],
      ["queue", "b"],
    ]);
  });
});

describe("an operation", () => {
  const body = (line: string) =>
    operationOf("cancel", { search: of(line) }, { reason: "", isDry: true, now: NOW });

  it("has what is in the arguments by its kind, with all digits", () => {
    expect(body('arg.n:9007199254740993 arg.s:"7" arg.t:word')).toBe(
      '{"action":"cancel","where":{"args":{"n":9007199254740993,"s":"7","t":"word"}},"dry_run":true}',
    );
  });

  it("is of those that were chosen", () => {
    const chosen = { ids: ["a", "b"] };
    expect(operationOf("retry", chosen, { reason: "why", isDry: false, now: NOW })).toBe(
      '{"action":"retry","ids":["a","b"],"reason":"why","dry_run":false}',
    );
  });

  it("is found again as a filter", () => {
    const where = parse('{"state":["failed"],"args":{"n":9007199254740993},"error":"x"}');
    expect(words(soughtBy(where) ?? {})).toBe("state:failed error:x arg.n:9007199254740993");
    expect(soughtBy(parse('{"schedule":["id"]}'))).toBeNull();
  });
});

describe("what is copied for a shell", () => {
  it.each([
    ["a-b_c.d:1", "a-b_c.d:1"],
    ["a b", "'a b'"],
    ["it's", "'it'\\''s'"],
    ["$(rm -rf /)", "'$(rm -rf /)'"],
    ["", "''"],
  ])("%s is one word", (word, quoted) => expect(shell(word)).toBe(quoted));

  it("is a command, and a request", () => {
    const search = of('state:failed error:"it\'s; rm" ended-since:1h');
    expect(commandOf(search, NOW)).toBe(
      "onbeat jobs ls --state failed --ended-since 2026-11-29T11:00:00.000Z --error 'it'\\''s; rm'",
    );
    expect(curlOf(search, NOW, "http://x/")).toContain("curl -sS --get http://x/api/v1/jobs \\\n");
    expect(curlOf(search, NOW, "http://x/")).toContain("--data-urlencode 'error=it'\\''s; rm'");
  });
});
