import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { base } from "./base";

export type Standing = "connecting" | "live" | "paused" | "lost";

/** What is told of one thing that changed; of a line that a job wrote, all of it. */
export interface Change {
  kind: string;
  id: string;
  what?: string;
  attempt?: number;
  line?: number;
  at?: string;
  level?: string;
  message?: string;
  fields?: Record<string, unknown>;
}

/** Told what changed; null where it is to be read anew, as something may have been missed. */
type Followed = (changes: Change[] | null) => void;

interface Frame {
  type: string;
  seq?: string;
  changes?: Change[];
  topics?: string[];
}

const TOPICS = ["jobs", "queues", "schedules", "workers"];
const SLOWEST = 15_000;
const NOTED = 10_000;

/** What is read anew, by the kind of what changed. */
const READ: Record<string, string[]> = {
  job: ["jobs"],
  queue: ["queues"],
  schedule: ["schedules"],
  worker: ["workers"],
};

/**
 * Follows what changes, and has the pages read it anew; at most once a second, and not while it is
 * paused or nobody looks. What was missed meanwhile is read at once afterwards.
 */
export class Live {
  private socket: WebSocket | null = null;
  private seq: string | null = null;
  private tries = 0;
  private timer: number | undefined;
  private flush: number | undefined;
  private readonly stale = new Set<string>();
  private readonly heard = new Set<() => void>();
  private readonly followed = new Map<string, Followed>();
  private isOpen = false;
  /** Jobs that changed lately, and when that was told (`performance.now()`), the latest last. */
  private readonly jobs = new Map<string, number>();
  /** Until when changes may have been missed: never told, or forgotten of too many. */
  private missedAt = Number.POSITIVE_INFINITY;
  standing: Standing = "connecting";
  /** Until when changes were heard; null while they are. */
  heardUntil: number | null = null;

  constructor(private readonly queries: QueryClient) {}

  open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.connect();
    document.addEventListener("visibilitychange", this.looked);
  }

  close(): void {
    this.isOpen = false;
    document.removeEventListener("visibilitychange", this.looked);
    clearTimeout(this.timer);
    this.socket?.close();
    this.socket = null;
  }

  /** Stop following, or go on from where it was stopped. */
  toggle(): void {
    if (this.standing === "paused") {
      this.say("connecting");
      this.connect();
    } else {
      this.say("paused");
      clearTimeout(this.timer);
      this.socket?.close();
    }
  }

  subscribe = (heard: () => void): (() => void) => {
    this.heard.add(heard);
    return () => this.heard.delete(heard);
  };

  /** Follow one job as well, with the lines that it writes: `job:ID`. Ends what it gives back. */
  follow(topic: string, heard: Followed): () => void {
    this.followed.set(topic, heard);
    this.send("subscribe", [topic]);
    return () => {
      this.followed.delete(topic);
      this.send("unsubscribe", [topic]);
    };
  }

  /** Jobs that changed after a moment; null where some may have been missed since. */
  jobsSince(moment: number): ReadonlySet<string> | null {
    if (this.standing !== "live" || moment <= this.missedAt) return null;
    return new Set([...this.jobs].flatMap(([id, at]) => (at >= moment ? [id] : [])));
  }

  private send(type: "subscribe" | "unsubscribe", topics: string[], since?: string | null): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({ type, topics, ...(since ? { since } : {}) }));
  }

  private connect(): void {
    const address = new URL("api/v1/ws", base);
    address.protocol = base.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.onopen = () => {
      this.send("subscribe", [...TOPICS, ...this.followed.keys()], this.seq);
    };
    socket.onmessage = ({ data }) => this.take(JSON.parse(data as string) as Frame);
    socket.onclose = ({ code }) => this.lost(socket, code);
  }

  private take(frame: Frame): void {
    const isFirst = frame.type === "subscribed" && this.seq === null;
    this.seq = frame.seq ?? this.seq;
    if (frame.type === "subscribed") {
      this.tries = 0;
      this.say("live");
    }
    this.tell(frame);
    for (const change of frame.changes ?? []) {
      if (change.what === "line") continue;
      if (change.kind === "job") this.note(change.id);
      this.soil(READ[change.kind] ?? []);
    }
    if (frame.type !== "refetch" && !isFirst) return;
    this.missedAt = performance.now();
    this.soil(Object.values(READ).flat());
  }

  private note(job: string): void {
    this.jobs.delete(job);
    this.jobs.set(job, performance.now());
    const [oldest] = this.jobs;
    if (this.jobs.size <= NOTED || !oldest) return;
    this.missedAt = Math.max(this.missedAt, oldest[1]);
    this.jobs.delete(oldest[0]);
  }

  private tell({ type, topics, changes }: Frame): void {
    const isAnew = type === "subscribed" || type === "refetch";
    for (const [topic, heard] of this.followed) {
      if (isAnew && topics?.includes(topic)) heard(null);
      const of = changes?.filter((each) => `${each.kind}:${each.id}` === topic);
      if (of?.length) heard(of);
    }
  }

  private soil(keys: string[]): void {
    for (const key of keys) this.stale.add(key);
    if (this.stale.size && this.flush === undefined) {
      this.flush = window.setTimeout(() => this.readAnew(), 1000);
    }
  }

  private readAnew(): void {
    this.flush = undefined;
    if (document.hidden || this.standing === "paused") return;
    for (const key of this.stale) void this.queries.invalidateQueries({ queryKey: [key] });
    this.stale.clear();
  }

  private looked = (): void => {
    if (!document.hidden) this.readAnew();
  };

  private lost(socket: WebSocket, code: number): void {
    if (socket !== this.socket || !this.isOpen || this.standing === "paused") return;
    if (code >= 4400 && code < 4500) {
      void this.queries.invalidateQueries({ queryKey: ["me"] });
      this.say("lost");
      return;
    }
    this.say("lost");
    const wait = Math.min(SLOWEST, 500 * 2 ** this.tries++) * (0.5 + Math.random());
    this.timer = window.setTimeout(() => this.connect(), wait);
  }

  private say(standing: Standing): void {
    if (standing === "live") this.heardUntil = null;
    else if (this.standing === "live") this.heardUntil = Date.now();
    this.standing = standing;
    for (const heard of this.heard) heard();
  }
}

/** How the connection stands. */
export function useStanding(live: Live): Standing {
  return useSyncExternalStore(live.subscribe, () => live.standing);
}
