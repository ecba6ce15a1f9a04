import { expect, it } from "vitest";
import { password } from "./password";

it("a password that is made is long, and never the same", () => {
  const made = Array.from({ length: 50 }, password);
  expect(new Set(made).size).toBe(50);
  for (const each of made) expect(each).toMatch(/^[-.a-zA-Z2-9]{20}$/);
});

it("no letter of it is left out, or likelier than others", () => {
  const counts = new Map<string, number>();
  for (const letter of Array.from({ length: 2_800 }, password).join(""))
    counts.set(letter, (counts.get(letter) ?? 0) + 1);
  expect(counts.size).toBe(56);
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(250);
});
