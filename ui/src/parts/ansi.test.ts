import { describe, expect, it } from "vitest";
import { ansi } from "./ansi";

function shown(text: string, isWrapped = true): HTMLElement {
  const line = document.createElement("div");
  line.append(...ansi(text, isWrapped));
  return line;
}

describe("a line with the codes of a terminal", () => {
  it("has its colours as classes", () => {
    const red = shown("a \u001b[31mred\u001b[0m b").querySelector(".ansi-red-fg");
    expect(red?.textContent).toBe("red");
  });

  it("is text where it looks like HTML", () => {
    const found = shown("\u001b[1m<img src=x onerror=alert(1)>\u001b[0m&amp;");
    expect(found.querySelector("img")).toBeNull();
    expect(found.textContent).toBe("<img src=x onerror=alert(1)>&amp;");
  });

  it("tells what else controls a terminal, or turns the text about", () => {
    expect(shown("a\u0007b\u202ec\r").textContent).toBe("a\\u0007b\\u202ec\\u000d");
  });

  it("stays on its line where lines are not wrapped", () => {
    expect(shown("a\nb", false).textContent).toBe("a ⏎ b");
    expect(shown("a\nb").textContent).toBe("a\nb");
  });
});
