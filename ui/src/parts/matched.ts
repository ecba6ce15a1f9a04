import type {
  IncidentKind as Kind,
  MatcherIn,
  MatcherOut,
  Severity,
  SilenceIn,
} from "../client/types.gen";
import { listed } from "./typed";

export const FIELDS = ["rules", "names", "tasks", "queues", "tags"] as const;

/** A silence as it stands in the form: each field a text, the empty one where nothing is said. */
export interface SilenceTyped extends Record<(typeof FIELDS)[number], string> {
  kinds: Kind[];
  severities: Severity[];
  everything: boolean;
  reason: string;
  /** At once, at a moment, or in windows that come again. */
  when: "now" | "later" | "again";
  lasts: string;
  begins: string;
  ends: string;
  cron: string;
  tz: string;
}

/** Which incidents it means. */
export function matcherOf(typed: SilenceTyped): MatcherIn {
  const patterns = FIELDS.map((each) => [each, listed(typed[each])] as const);
  return {
    ...Object.fromEntries(patterns.filter(([, list]) => list.length)),
    ...(typed.kinds.length ? { kinds: typed.kinds } : {}),
    ...(typed.severities.length ? { severities: typed.severities } : {}),
  };
}

/** What is asked of the server. Moments are typed as the server reads them, with their offset. */
export function silenceOf(typed: SilenceTyped): SilenceIn {
  const { everything, reason, when, lasts, begins, ends, cron, tz } = typed;
  const window = {
    now: { for: lasts.trim() },
    later: { begins_at: begins.trim() || null, for: lasts.trim() },
    again: {
      begins_at: begins.trim() || null,
      ends_at: ends.trim() || null,
      for: lasts.trim(),
      cron: cron.trim(),
      tz,
    },
  }[when];
  return {
    ...(everything ? { everything } : { matcher: matcherOf(typed) }),
    reason: reason.trim(),
    ...window,
  };
}

/** Which incidents a silence means, in words. */
export function matchedInWords(of: MatcherOut): string {
  const said = ([...FIELDS, "kinds", "severities"] as const).flatMap((each) => {
    const list = of[each] ?? [];
    return list.length ? [`${each} ${list.join(", ")}`] : [];
  });
  return said.length ? said.join(" · ") : "everything";
}
