type Told = Record<string, unknown> | null;

interface Changed {
  name: string;
  /** undefined where it was not there. */
  before?: string;
  after?: string;
}

/** A value as it is shown: texts as they are, all else as JSON. */
function shown(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What two states of a thing differ in; of one alone, all that it says. */
export function changes(before: Told, after: Told): Changed[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names]
    .map((name) => ({ name, before: shown(before?.[name]), after: shown(after?.[name]) }))
    .filter((each) => each.before !== each.after);
}
