import type {
  BreakerOut,
  QueueOut,
  ScheduleListed,
  Severity,
  WorkerOut,
} from "../client/types.gen";
import { lasting } from "./time";

/** How long a schedule may be due without a job until it is late, and a queue's next job wait until
 * that is told: as the rules have it that come with Onbeat. */
const LATE = 60_000;
/** How many of those that are due next are read: what is late leads. */
export const SOONEST = 100;
const BEHIND = 5 * 60_000;

/** Schedules that are due, and have made no job for a minute. */
export function late(schedules: ScheduleListed[], now: number): ScheduleListed[] {
  return schedules.filter(
    ({ next_due_at, paused_at, retired_at }) =>
      next_due_at && !paused_at && !retired_at && Date.parse(next_due_at) < now - LATE,
  );
}

/** Queues in which jobs wait, and that no worker serves. */
export function unserved(queues: QueueOut[], workers: WorkerOut[]): QueueOut[] {
  const served = new Set(workers.flatMap((each) => each.queues));
  return queues.filter((each) => each.pending > 0 && !each.paused_at && !served.has(each.name));
}

/** Queues that somebody has paused, and in which jobs wait. */
export function halted(queues: QueueOut[]): QueueOut[] {
  return queues.filter((each) => each.pending > 0 && each.paused_at);
}

/** Breakers that hold jobs back. */
export function holding(breakers: BreakerOut[]): BreakerOut[] {
  return breakers.filter((each) => each.state !== "closed" && each.waiting > 0);
}

/** So many jobs that wait, in words. */
export function waiting(jobs: number): string {
  return `${jobs.toLocaleString("en")} ${jobs === 1 ? "job waits" : "jobs wait"}`;
}

/** Whether it is to be done now: its moment has come, and it is not late yet. */
export function isDue(at: string | null, now: number): boolean {
  if (at === null) return false;
  const passed = now - Date.parse(at);
  return passed > -1_000 && passed <= LATE;
}

/** The queue whose next job waits longest, and for how many milliseconds. */
export function behind(queues: QueueOut[], now: number): { queue: string; wait: number } | null {
  let most: { queue: string; wait: number } | null = null;
  for (const { name, oldest_at, paused_at } of queues) {
    const wait = oldest_at && !paused_at ? now - Date.parse(oldest_at) : 0;
    if (wait > 0 && wait > (most?.wait ?? 0)) most = { queue: name, wait };
  }
  return most;
}

interface Seen {
  incidents: Partial<Record<Severity, number>>;
  schedules: ScheduleListed[];
  queues: QueueOut[];
  workers: WorkerOut[] | null;
  breakers: BreakerOut[];
}

/** How all stands, in one sentence; and whether that is well. */
export function stands(seen: Seen, now: number): { isWell: boolean; says: string } {
  const said: string[] = [];
  for (const severity of ["critical", "error", "warning"] as const) {
    const number = seen.incidents[severity] ?? 0;
    if (number) said.push(`${number} ${severity} ${number === 1 ? "incident" : "incidents"}`);
  }
  const slow = late(seen.schedules, now);
  const isCut = slow.length === SOONEST;
  if (slow.length === 1) said.push(`schedule ${slow[0]?.name} is late`);
  else if (slow.length) said.push(`${slow.length}${isCut ? " or more" : ""} schedules are late`);
  const alone = seen.workers ? unserved(seen.queues, seen.workers) : [];
  for (const { name } of alone.slice(0, 2)) said.push(`queue ${name} has no worker`);
  if (alone.length > 2) said.push(`${alone.length - 2} more queues have none`);
  for (const { name, pending } of halted(seen.queues).slice(0, 2)) {
    said.push(`queue ${name} is paused while ${waiting(pending)}`);
  }
  for (const { name, state, waiting: jobs } of holding(seen.breakers).slice(0, 2)) {
    said.push(`breaker ${name} is ${state} while ${waiting(jobs)}`);
  }
  const longest = behind(seen.queues, now);
  if (longest && longest.wait > BEHIND && !alone.some(({ name }) => name === longest.queue)) {
    said.push(`queue ${longest.queue} is ${lasting(Math.round(longest.wait / 1000))} behind`);
  }
  if (!said.length) return { isWell: true, says: "All is well." };
  return { isWell: false, says: `${said.join(", ")}; otherwise all is well.` };
}
