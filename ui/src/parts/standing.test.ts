import { describe, expect, it } from "vitest";
import { isDue, stands } from "./standing";

const NOW = Date.parse("2027-01-04T12:00:00Z");
const WELL = { incidents: {}, schedules: [], queues: [], workers: [], breakers: [] };
const schedule = (name: string, at: string, more = {}) => ({ name, next_due_at: at, ...more });
const queue = (name: string, at: string | null, more = {}) => ({
  name,
  oldest_at: at,
  pending: at ? 1 : 0,
  ...more,
});

describe("how all stands", () => {
  it.each([
    [{}, "All is well."],
    [{ incidents: { info: 3 } }, "All is well."],
    [
      { incidents: { critical: 1, warning: 2 } },
      "1 critical incident, 2 warning incidents; otherwise all is well.",
    ],
    [
      { schedules: [schedule("nightly", "2027-01-04T11:58:00Z")] },
      "schedule nightly is late; otherwise all is well.",
    ],
    [{ schedules: [schedule("nightly", "2027-01-04T11:59:30Z")] }, "All is well."],
    [
      { schedules: [schedule("nightly", "2027-01-04T11:00:00Z", { paused_at: "x" })] },
      "All is well.",
    ],
    [
      { queues: [queue("mail", "2027-01-04T11:50:00Z")], workers: [{ queues: ["mail"] }] },
      "queue mail is 10 min 0 s behind; otherwise all is well.",
    ],
    [
      { queues: [queue("mail", "2027-01-04T11:50:00Z")] },
      "queue mail has no worker; otherwise all is well.",
    ],
    [
      { queues: [queue("mail", "2027-01-04T11:50:00Z", { paused_at: "x" })] },
      "queue mail is paused while 1 job waits; otherwise all is well.",
    ],
    [{ queues: [queue("mail", null, { paused_at: "x" })] }, "All is well."],
    [
      { breakers: [{ name: "bank", state: "open", waiting: 8 }] },
      "breaker bank is open while 8 jobs wait; otherwise all is well.",
    ],
    [{ breakers: [{ name: "bank", state: "open", waiting: 0 }] }, "All is well."],
    [{ breakers: [{ name: "bank", state: "closed", waiting: 2 }] }, "All is well."],
  ])("%j: %s", (seen, says) => expect(stands({ ...WELL, ...seen } as never, NOW).says).toBe(says));
});

describe("what is due now", () => {
  it.each([
    ["2027-01-04T12:00:01Z", false],
    ["2027-01-04T12:00:00Z", true],
    ["2027-01-04T11:59:30Z", true],
    ["2027-01-04T11:58:00Z", false],
    ["2027-01-04T12:00:00.900Z", true], // which would be shown as "0 s ago"
    ["2027-01-04T12:00:01Z", false],
    [null, false],
  ])("%s: %s", (at, expected) => expect(isDue(at, NOW)).toBe(expected));
});
