import { beforeEach, describe, expect, it } from "vitest";
import type { LogLine } from "./log_lines";
import { LogRows, type Look, SHOWN } from "./log_rows";

const line = (number: number, message = `line ${number}`): LogLine => ({
  at: "2026-11-29T12:00:00.5Z",
  attempt: 1,
  line: number,
  level: "info",
  message,
  fields: "",
});
const LINES = [1, 2, 3, 4, 5].map((number) => line(number));
const LOOK: Look = { zone: "UTC", hasAttempt: false, isWrapped: true, hit: undefined };
const at = (...indices: number[]) => indices.map((index) => ({ index, start: 20 * index }));

let frame: HTMLElement;
let measured: (string | null)[];
let rows: LogRows;
const shown = () => [...frame.children].map((each) => each.textContent?.slice(-6));

beforeEach(() => {
  frame = document.createElement("div");
  measured = [];
  rows = new LogRows(frame, (row) => measured.push(row && (row.dataset.index ?? "?")));
});

describe("the rows of a log", () => {
  it("stand in the order of their lines, wherever one scrolls to", () => {
    rows.draw(at(2, 3), LINES, LOOK);
    rows.draw(at(0, 1, 2, 3, 4), LINES, LOOK);
    expect(shown()).toEqual(["line 1", "line 2", "line 3", "line 4", "line 5"]);
    rows.draw(at(1, 2), LINES, LOOK);
    expect(shown()).toEqual(["line 2", "line 3"]);
  });

  it("are kept where they stay in view, and only those that come are measured", () => {
    rows.draw(at(0, 1), LINES, LOOK);
    const kept = frame.children[1];
    rows.draw(at(1, 2), LINES, LOOK);
    expect(frame.children[0]).toBe(kept);
    expect(measured).toEqual(["0", "1", null, "2"]);
  });

  it("are drawn anew where another line stands at that place, or lines are shown otherwise", () => {
    rows.draw(at(0), LINES, LOOK);
    rows.draw(at(0), [line(9, "other")], LOOK);
    expect(shown()).toEqual([" other"]);
    rows.draw(at(0), [line(9, "other")], { ...LOOK, hasAttempt: true });
    expect(frame.querySelector(".log-attempt")?.textContent).toBe("1 ");
  });

  it("are text where they look like HTML", () => {
    rows.draw(at(0), [line(1, "<img src=x onerror=alert(1)>")], LOOK);
    expect(frame.querySelector("img")).toBeNull();
    expect(frame.textContent).toContain("<img src=x onerror=alert(1)>");
  });

  it("show the rest of a long line when it is asked for, and stay so when one comes back", () => {
    const long = [line(1, "x".repeat(SHOWN + 5)), line(2)];
    rows.draw(at(0), long, LOOK);
    const more = frame.querySelector("button");
    expect(more?.textContent).toBe("… 5 more characters");
    more?.click();
    rows.draw(at(1), long, LOOK);
    rows.draw(at(0), structuredClone(long), LOOK);
    expect(frame.querySelector("button")).toBeNull();
    expect(frame.textContent).toContain("x".repeat(SHOWN + 5));
  });

  it("mark the one that was found", () => {
    rows.draw(at(0, 1), LINES, { ...LOOK, hit: 1 });
    expect(frame.querySelector(".hit")?.textContent).toContain("line 2");
    rows.draw(at(0, 1), LINES, { ...LOOK, hit: 0 });
    expect(frame.querySelectorAll(".hit")).toHaveLength(1);
    expect(frame.querySelector(".hit")?.textContent).toContain("line 1");
  });
});
