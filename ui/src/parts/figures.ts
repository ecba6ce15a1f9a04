import type { TrendOut } from "../client/types.gen";

/** A share in a hundred: "99.9 %". */
export function percent(share: number | null | undefined): string {
  if (share == null) return "–";
  const whole = share * 100;
  const near = whole > 99 && whole < 100 ? Math.floor(whole * 100) / 100 : +whole.toFixed(1);
  return `${near} %`;
}

/** A count: "12,431". */
export function count(number: number): string {
  return number.toLocaleString("en", { maximumFractionDigits: 1 });
}

/** How a share changed, in points of a hundred: "+1.2 points". */
export function points(change: number | null): string {
  if (change === null) return "nothing to compare";
  if (Math.abs(change) < 0.05) return "as before";
  return `${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(1)} points`;
}

/** How a figure changed, as a multiple of what it was: "+30 %". */
export function times(ratio: number | null): string {
  if (ratio === null) return "nothing to compare";
  const change = (ratio - 1) * 100;
  if (Math.abs(change) < 0.5) return "as before";
  if (ratio >= 10) return `${ratio.toFixed(0)}× as much`;
  return `${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(0)} %`;
}

/** Whether a trend is worse: more fail, or they take longer by a tenth. */
export function isWorse(trend: TrendOut): boolean {
  return (trend.rate_points ?? 0) <= -0.5 || (trend.p95_ratio ?? 1) >= 1.1;
}
