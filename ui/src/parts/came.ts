import type { CameOut } from "../client/types.gen";

/** How what came of a moment looks, each in a shape of its own: colours alone tell not everybody. */
export const LOOKS = ["completed", "failed", "missed", "skipped", "cancelled", "open"] as const;
export type Look = (typeof LOOKS)[number];

const OF: Record<string, Look> = {
  completed: "completed",
  failed: "failed",
  missed: "missed",
  skipped: "skipped",
  coalesced: "skipped",
  cancelled: "cancelled",
  ran: "open",
  late: "open",
};

/** How it looks; what is still under way, or is not known any more, is open. */
export function lookOf({ came }: CameOut): Look {
  return OF[came] ?? "open";
}

/** The same in a sentence, the newest first: "1 failed, 2 completed; the newest: failed". */
export function toldOf(moments: CameOut[]): string {
  const counts = new Map<string, number>();
  for (const { came } of moments) counts.set(came, (counts.get(came) ?? 0) + 1);
  const all = [...counts].map(([came, count]) => `${count} ${came}`).join(", ");
  const newest = moments[0]?.came;
  return moments.length < 2 ? all : `The last ${moments.length}: ${all}; the newest: ${newest}`;
}
