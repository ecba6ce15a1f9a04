import type { AttemptOut, EntryOut, JobOut } from "../client/types.gen";

/** What an attempt took: the wait before it, and the run; moments in ms. */
export interface Lane {
  attempt: number;
  outcome: string;
  /** Since when it waited: when it was due, or when the attempt before ended. */
  since: number;
  /** Whether it was held back after another attempt. */
  isBackoff: boolean;
  began: number | null;
  ended: number;
}

/** The lanes of a job's attempts, the one that runs or waits among them. */
export function lanesOf(job: JobOut, attempts: AttemptOut[], now: number): Lane[] {
  const first = firstDue(job, attempts[0]);
  const ended: Lane[] = [];
  for (const each of attempts) {
    const before = ended.at(-1);
    const began = Date.parse(each.started_at);
    ended.push({
      attempt: each.attempt,
      outcome: each.outcome,
      since: before ? before.ended : first,
      isBackoff: before !== undefined,
      began,
      ended: Date.parse(each.finished_at),
    });
  }
  if (job.finished_at) return ended;
  return [...ended, openLane(job, ended, first, now)];
}

/** When it was first due; where it was tried again only the last such moment is on record. */
function firstDue(job: JobOut, attempt: AttemptOut | undefined): number {
  const [asked, due] = [Date.parse(job.created_at), Date.parse(job.due_at ?? job.created_at)];
  const isLater = attempt !== undefined && due > Date.parse(attempt.started_at);
  return isLater ? asked : Math.max(asked, due);
}

function openLane(job: JobOut, ended: Lane[], first: number, now: number): Lane {
  const before = ended.at(-1);
  const isRunning = job.state === "running" && job.started_at !== null;
  const since = before ? before.ended : first;
  return {
    attempt: isRunning ? job.attempt : job.attempt + 1,
    outcome: job.state,
    since,
    isBackoff: before !== undefined,
    began: isRunning ? Date.parse(job.started_at as string) : null,
    ended: Math.max(now, since),
  };
}

/** One thing that happened to a job. */
export interface Move {
  at: string;
  what: string;
  by: string | null;
  why: string | null;
  color: string;
}

const COLORS: Record<string, string> = { completed: "green", failed: "red", cancelled: "gray" };

/** All that happened to a job, the oldest first: by itself, and by hand. */
export function movesOf(job: JobOut, attempts: AttemptOut[], audit: EntryOut[]): Move[] {
  const moves: Move[] = [
    move(job.created_at, "Asked for", job.schedule ? `schedule ${job.schedule}` : null),
  ];
  for (const each of attempts) {
    moves.push(
      move(
        each.started_at,
        `Attempt ${each.attempt} began`,
        each.session && `worker ${each.session}`,
        "indigo",
      ),
    );
    const color = COLORS[each.outcome] ?? "yellow";
    const why = each.error ? `${each.error.type}: ${each.error.message}` : each.reason;
    const told = `Attempt ${each.attempt} ended: ${each.outcome}`;
    moves.push({ ...move(each.finished_at, told, null, color), why });
  }
  if (job.state === "running" && job.started_at) {
    moves.push(move(job.started_at, `Attempt ${job.attempt} began`, null, "indigo"));
  }
  for (const each of audit) {
    moves.push(move(each.at, each.action, `${each.actor_kind}:${each.actor_name}`, "grape"));
  }
  const last = attempts.at(-1);
  if (job.finished_at && job.finished_at !== last?.finished_at) {
    const ended = move(job.finished_at, `Ended: ${job.state}`, null, COLORS[job.state]);
    moves.push({ ...ended, why: job.reason });
  }
  return moves.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

function move(at: string, what: string, by: string | null, color = "blue"): Move {
  return { at, what, by, why: null, color };
}
