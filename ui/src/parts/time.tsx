import { useCallback, useSyncExternalStore } from "react";

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

const NAMES: Partial<Record<Zone, string>> = {};

/** The name of the zone, as it is shown beside moments. */
export function nameOf(of: Zone): string {
  NAMES[of] ??= FORMATS[of].resolvedOptions().timeZone;
  return NAMES[of];
}

const SHOWN: Intl.DateTimeFormatOptions = {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
};

// Made once: to make one takes 50 times as long as to use it.
const FORMATS: Record<Zone, Intl.DateTimeFormat> = {
  mine: new Intl.DateTimeFormat("sv-SE", SHOWN),
  UTC: new Intl.DateTimeFormat("sv-SE", { ...SHOWN, timeZone: "UTC" }),
};

/** What moments to the second are in words; lines of a log share theirs with a hundred others. */
const WORDED = new Map<string, string>();
const MOST_WORDED = 2_000;

/** A moment in words: date, time to the second, and zone. */
export function moment(at: string, of: Zone): string {
  const key = of + at.replace(/\.\d+/, "");
  const known = WORDED.get(key);
  if (known !== undefined) return known;
  const words = FORMATS[of].format(new Date(at));
  if (WORDED.size >= MOST_WORDED) WORDED.clear();
  WORDED.set(key, words);
  return words;
}

/** A moment exactly, in the zone that is shown and in UTC: two lines. */
export function exactMoment(at: string): string {
  return `${moment(at, zone)} (${nameOf(zone)})\n${moment(at, "UTC")}`;
}

/** A moment as the server tells it in a schedule's own zone: `2026-11-29 03:00:00 +01:00`. */
export function local(told: string): string {
  return told.replace("T", " ").replace(/([+-]\d\d:\d\d|Z)$/, " $1");
}

/** How long ago, or until then: "12 s ago", "in 3 min". */
export function relative(at: string | number, now: number): string {
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

/** Milliseconds within which a moment is told anew each second; others are every `SELDOM` seconds. */
const NEAR = 15_000;
const SELDOM = 5;

const ticking = new Set<() => void>();
const shown = new Map<HTMLTimeElement, number>();
let second = Date.now();
setInterval(() => {
  if (document.hidden) return;
  second = Date.now();
  for (const heard of ticking) heard();
  const isAll = Math.floor(second / 1000) % SELDOM === 0;
  for (const [node, at] of shown) {
    if (isAll || Math.abs(at - second) < NEAR) word(node, relative(at, second));
  }
}, 1000);

function tick(heard: () => void): () => void {
  ticking.add(heard);
  return () => ticking.delete(heard);
}

/** Now, to the second; stands still while the page is hidden. */
export function useNow(): number {
  return useSyncExternalStore(tick, () => second);
}

function word(node: HTMLTimeElement, words: string): void {
  const text = node.firstChild;
  if (text && text.nodeValue !== words) text.nodeValue = words;
}

/** A moment as it is shown everywhere: how long ago, and exactly under the pointer (see `Hint`). */
export function Moment({ at }: { at: string | null | undefined }) {
  // Its words are kept up to date beside React, and not all each second: a hundred rows took 2 % of a processor.
  const show = useCallback(
    (node: HTMLTimeElement | null) => {
      if (!node || !at) return;
      word(node, relative(at, second));
      shown.set(node, new Date(at).getTime());
      return () => void shown.delete(node);
    },
    [at],
  );
  if (!at) return <span className="nothing">–</span>;
  return (
    <time ref={show} dateTime={at}>
      {relative(at, second)}
    </time>
  );
}
