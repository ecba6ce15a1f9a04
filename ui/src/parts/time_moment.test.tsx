import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

describe("a moment that is shown", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date("2026-01-01T00:00:10Z") });
    vi.resetModules();
  });
  afterEach(() => vi.useRealTimers());

  const pass = (seconds: number) => act(() => vi.advanceTimersByTime(seconds * 1000));

  it("is told anew as time goes by, and as another where it becomes one", async () => {
    const { Moment } = await import("./time");
    const { rerender } = render(<Moment at="2026-01-01T00:00:05Z" />);
    expect(screen.getByText("5 s ago")).toBeTruthy();
    pass(3);
    expect(screen.getByText("8 s ago")).toBeTruthy();
    rerender(<Moment at="2026-01-01T00:00:08Z" />);
    expect(screen.getByText("5 s ago")).toBeTruthy();
  });

  it("is told every five seconds where it is long over", async () => {
    const { Moment } = await import("./time");
    render(<Moment at="2026-01-01T00:00:05Z" />);
    pass(60);
    expect(screen.getByText("65 s ago")).toBeTruthy();
    pass(4);
    expect(screen.getByText("65 s ago")).toBeTruthy();
    pass(1);
    expect(screen.getByText("70 s ago")).toBeTruthy();
  });
});
