import { Text, Tooltip } from "@mantine/core";
import { useSyncExternalStore } from "react";

export type Zone = "mine" | "UTC";
const KEPT = "onbeat.zone";
const listeners = new Set<() => void>();
let zone: Zone = localStorage.getItem(KEPT) === "UTC" ? "UTC" : "mine";

/** The zone in which moments are shown, on all pages. */
export function useZone(): [Zone, (to: Zone) => void] {
  const now = useSyncExternalStore(listen, () => zone);
  return [now, choose];
}

function listen(heard: () => void): () => void {
  listeners.add(heard);
  return () => listeners.delete(heard);
}

function choose(to: Zone): void {
  zone = to;
  localStorage.setItem(KEPT, to);
  for (const heard of listeners) heard();
}

/** The other zone. */
export function otherZone(): void {
  choose(zone === "UTC" ? "mine" : "UTC");
}

/** The name of the zone, as it is shown beside moments. */
export function nameOf(of: Zone): string {
  return of === "UTC" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** A moment in words: date, time to the second, and zone. */
export function moment(at: string, of: Zone): string {
  const told = new Intl.DateTimeFormat("sv-SE", {
    timeZone: of === "UTC" ? "UTC" : undefined,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  });
  return told.format(new Date(at));
}

/** A moment as the server tells it in a schedule's own zone: `2026-11-29 03:00:00 +01:00`. */
export function local(told: string): string {
  return told.replace("T", " ").replace(/([+-]\d\d:\d\d|Z)$/, " $1");
}

/** How long ago, or until then: "12 s ago", "in 3 min". */
export function relative(at: string, now: number): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000);
  const size = Math.abs(seconds);
  const told =
    size < 90
      ? `${size} s`
      : size < 5400
        ? `${Math.round(size / 60)} min`
        : size < 129_600
          ? `${Math.round(size / 3600)} h`
          : `${Math.round(size / 86_400)} d`;
  return seconds > 0 ? `in ${told}` : `${told} ago`;
}

/** Seconds in words: "0.25 s", "1 min 4 s". */
export function lasting(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const ticking = new Set<() => void>();
let second = Date.now();
setInterval(() => {
  if (document.hidden) return;
  second = Date.now();
  for (const heard of ticking) heard();
}, 1000);

/** Now, to the second; stands still while the page is hidden. */
export function useNow(): number {
  return useSyncExternalStore(
    (heard) => {
      ticking.add(heard);
      return () => ticking.delete(heard);
    },
    () => second,
  );
}

/** A moment as it is shown everywhere: how long ago, and exactly under the pointer. */
export function Moment({ at }: { at: string | null | undefined }) {
  const [of] = useZone();
  const now = useNow();
  if (!at)
    return (
      <Text span c="dimmed" size="sm">
        –
      </Text>
    );
  return (
    <Tooltip
      label={
        <>
          {moment(at, of)} ({nameOf(of)})<br />
          {moment(at, "UTC")}
        </>
      }
      openDelay={200}
    >
      <time dateTime={at}>{relative(at, now)}</time>
    </Tooltip>
  );
}
