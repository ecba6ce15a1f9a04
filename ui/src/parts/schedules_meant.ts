import type { SchedulesWhereIn } from "../client/types.gen";

/** What a list of schedules is narrowed to; it stands in the address. */
export interface SchedulesSought {
  search?: string;
  standing?: string;
  source?: string;
  task?: string;
  queue?: string;
  tag?: string;
  clock?: string;
  after?: string;
}

/** All that such a list has, as an operation is told it; null where it cannot be told so. */
export function whereOf(search: SchedulesSought): SchedulesWhereIn | null {
  const { task, queue, after: _after, ...others } = search;
  if (!(task || queue) || Object.values(others).some(Boolean)) return null;
  return { ...(task && { task: [task] }), ...(queue && { queue: [queue] }) };
}
