import { describe, expect, it } from "vitest";
import { placeOf } from "./places";

describe("the place to which a page belongs", () => {
  it.each([
    ["/", "/"],
    ["/jobs", "/jobs"],
    ["/jobs/01a2", "/jobs"],
    ["/new/job", "/jobs"],
    ["/operations/01a2", "/jobs"],
    ["/workflows/01a2", "/jobs"],
    ["/schedules/nightly/billing", "/schedules"],
    ["/new/schedule", "/schedules"],
    ["/edit/schedule/nightly", "/schedules"],
    ["/alerts/incidents/01a2", "/alerts"],
  ])("%s: %s", (path, place) => expect(placeOf(path)).toBe(place));
});
