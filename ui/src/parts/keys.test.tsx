import { cleanup, fireEvent, render } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { toRow, useKeys } from "./keys";

function Page({ keys }: { keys: Record<string, () => void> }) {
  useKeys(keys);
  return (
    <main>
      <input aria-label="line" />
      <table>
        <tbody>
          <tr>
            <td>
              <a href="#one">one</a>
            </td>
          </tr>
          <tr>
            <td>
              <a href="#two">two</a>
            </td>
          </tr>
        </tbody>
      </table>
    </main>
  );
}

describe("useKeys", () => {
  afterEach(cleanup);

  it("hears two keys one after the other, and the second alone is another", () => {
    const [jobs, next] = [vi.fn(), vi.fn()];
    render(<Page keys={{ "g j": jobs, j: next }} />);
    fireEvent.keyDown(document.body, { key: "g" });
    fireEvent.keyDown(document.body, { key: "j" });
    fireEvent.keyDown(document.body, { key: "j" });
    expect([jobs.mock.calls.length, next.mock.calls.length]).toEqual([1, 1]);
  });

  it("hears the second key also where the page was drawn anew after the first", () => {
    const jobs = vi.fn();
    const { rerender } = render(<Page keys={{}} />);
    fireEvent.keyDown(document.body, { key: "g" });
    rerender(<Page keys={{ "g j": jobs }} />);
    fireEvent.keyDown(document.body, { key: "j" });
    expect(jobs).toHaveBeenCalledOnce();
  });

  it("hears nothing of who writes, nor of keys with Ctrl", () => {
    const next = vi.fn();
    const { getByLabelText } = render(<Page keys={{ j: next }} />);
    fireEvent.keyDown(getByLabelText("line"), { key: "j" });
    fireEvent.keyDown(document.body, { key: "j", ctrlKey: true });
    expect(next).not.toHaveBeenCalled();
  });

  it("goes from row to row, and stays at the last", () => {
    Element.prototype.scrollIntoView = () => undefined;
    render(<Page keys={{}} />);
    for (let count = 0; count < 3; count++) toRow(1);
    expect(document.activeElement?.textContent).toBe("two");
    toRow(-1);
    expect(document.activeElement?.textContent).toBe("one");
  });
});
