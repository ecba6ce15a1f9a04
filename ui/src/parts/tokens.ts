import type { JobsSought } from "../router";

const NAMES = ["task", "queue", "schedule", "tag", "error", "sort"] as const;

/** What a line of tokens asks for, `state:failed task:charge arg.order_id:42`; or what is wrong with it. */
export function sought(typed: string): { search: JobsSought; wrong: string | null } {
  const search: JobsSought = {};
  for (const token of typed.match(/(?:[^\s"]|"[^"]*")+/g) ?? []) {
    const at = token.indexOf(":");
    const name = at < 0 ? "" : token.slice(0, at);
    const value = (at < 0 ? token : token.slice(at + 1)).replace(/"/g, "");
    if (!value) return { search, wrong: `${name}: give a value, like ${name}:something` };
    if (name === "state") search.state = value.split(",");
    else if (name.startsWith("arg.") && name.length > 4) search.arg = `${name.slice(4)}=${value}`;
    else if ((NAMES as readonly string[]).includes(name))
      search[name as (typeof NAMES)[number]] = value;
    else if (!name) search.task = value;
    else
      return {
        search,
        wrong: `${name}: there is no such word; take state, arg.NAME, ${NAMES.join(", ")}`,
      };
  }
  return { search, wrong: null };
}

/** The line of tokens that asks for it. */
export function words(search: JobsSought): string {
  const told = search.state?.length ? [`state:${search.state.join(",")}`] : [];
  for (const name of NAMES) {
    const value = search[name];
    if (value) told.push(`${name}:${/\s/.test(value) ? `"${value}"` : value}`);
  }
  if (search.arg) told.push(`arg.${search.arg.replace("=", ":")}`);
  return told.join(" ");
}
