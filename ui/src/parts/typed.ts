import { Refused } from "../api";

/** What is typed with commas between, as a list. */
export function listed(typed: string): string[] {
  return typed
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);
}

/** What was typed, without the fields that were left empty. */
export function filled<Name extends string>(
  typed: Record<Name, string>,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const found = names
    .filter((each) => typed[each].trim())
    .map((each) => [each, typed[each].trim()]);
  return Object.fromEntries(found);
}

/** What the server refused, by the innermost field that it named: of `options.repeat`, `repeat`. */
export function refusedAt(error: Error | null): Record<string, string> {
  if (!(error instanceof Refused)) return {};
  const told = (error.problem.errors ?? []).map((each) => [
    each.field
      .split(".")
      .filter((part) => !/^\d+$/.test(part))
      .at(-1) ?? each.field,
    each.detail,
  ]);
  return Object.fromEntries(told);
}

/** What was read, and the mark by which a change of it is refused where another was quicker. */
export async function marked<T>(
  answer: Promise<{ data: T; response?: Response }>,
): Promise<{ data: NonNullable<T>; mark: string }> {
  const { data, response } = await answer;
  return { data: data as NonNullable<T>, mark: response?.headers.get("etag") ?? "" };
}
