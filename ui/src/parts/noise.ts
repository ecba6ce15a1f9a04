import type { RuleStatsOut } from "../client/types.gen";

/** How much a rule was told, and how much of it nobody saw to. */
export interface RuleNoise {
  rule: string;
  sent: number;
  failed: number;
  dropped: number;
  incidents: number;
  ignored: number;
  channels: RuleStatsOut[];
}

/** What all channels were told, by rule; first what was told most often and seen to least. */
export function noiseOf(stats: RuleStatsOut[]): RuleNoise[] {
  const rules = new Map<string, RuleNoise>();
  for (const each of stats) {
    const none = { sent: 0, failed: 0, dropped: 0, incidents: 0, ignored: 0, channels: [] };
    const of = rules.get(each.rule) ?? { rule: each.rule, ...none };
    rules.set(each.rule, {
      rule: each.rule,
      sent: of.sent + each.sent,
      failed: of.failed + each.failed,
      dropped: of.dropped + each.dropped,
      incidents: of.incidents + each.incidents,
      ignored: of.ignored + each.incidents - each.seen,
      channels: [...of.channels, each],
    });
  }
  return [...rules.values()].sort(
    (one, other) =>
      other.ignored - one.ignored || other.sent - one.sent || one.rule.localeCompare(other.rule),
  );
}
