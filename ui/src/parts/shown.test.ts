import { expect, it } from "vitest";
import { inWords } from "./shown";

it.each([
  ["no job 01a2; GET /api/v1/jobs lists them", "No job 01a2"],
  ["no schedule called 'x'", "No schedule called 'x'"],
  ["", ""],
])("%s is said to people as: %s", (detail, said) => expect(inWords(detail)).toBe(said));
