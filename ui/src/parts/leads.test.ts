import { describe, expect, it } from "vitest";
import { blank, changeOf, channelOf, hearsInWords, typedOf } from "./leads";

const OPTIONS = {
  severity: "error",
  rules: ["late"],
  kinds: [],
  names: [],
  queues: [],
  tasks: [],
  tags: ["shop", "!test"],
  changes: [],
  group_wait: "30s",
  group_interval: "5m",
  repeat: "4h",
  cooldown: "5m",
  gap: "1s",
  daily: 300,
  escalate_after: null,
  escalate_to: null,
  quiet: null,
  title: null,
  text: null,
} as const;

describe("a channel in a form", () => {
  it("leads nowhere else where nothing was typed", () => {
    const of = { name: "ops", kind: "slack", options: OPTIONS } as never;
    expect(changeOf(typedOf(of))).toEqual({ options: { ...OPTIONS, changes: null } });
  });

  it("says of where it leads what its kind takes", () => {
    const typed = { ...blank("email"), name: " ops ", to: "a@b.example, c@d.example", url: "x" };
    expect(channelOf(typed)).toMatchObject({ name: "ops", to: ["a@b.example", "c@d.example"] });
    expect(channelOf(typed)).not.toHaveProperty("url");
  });

  it("hears in words of what it is set to", () => {
    expect(hearsInWords(OPTIONS as never)).toBe("error and worse · rules late · tags shop, !test");
  });
});
