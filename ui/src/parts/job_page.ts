import { replaceEqualDeep, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { jobsFindMany, jobsList } from "../client/sdk.gen";
import type { JobOut, JobsPage } from "../client/types.gen";
import type { Live } from "../live";
import type { JobsSought } from "../router";
import { queryOf } from "./asking";
import { at, brief, type Exact, exactly } from "./exact";

/** As many as can be read by their ids at once. */
export const PAGE_SIZE = 100;

/** A job of a list, and its arguments on one line as they were written. */
export interface JobRow {
  job: JobOut;
  args: string | null;
}

export interface Read {
  /** When it was asked for (`performance.now()`). */
  at: number;
  /** In the order of the list as it is now. */
  ids: string[];
  rows: Map<string, JobRow>;
  page: JobsPage;
}

/** The row of a job; the one of before where nothing of it has changed, so that it stays as it is drawn. */
export function rowOf(said: JobOut, exact: Exact | undefined, before?: JobRow): JobRow {
  const args = exact == null ? null : brief(exact);
  const job = before ? replaceEqualDeep(before.job, said) : said;
  return before && job === before.job && args === before.args ? before : { job, args };
}

type Told = ReadonlySet<string> | null;

/** Those of them that may have changed since they were read: that had not ended, or were told of; all where nothing is told. */
export function toRead(gone: string[], before: Read | undefined, told: Told): string[] {
  return gone.filter((id) => !told || !before?.rows.get(id)?.job.finished_at || told.has(id));
}

async function read(
  search: JobsSought,
  shown: string[],
  before: Read | undefined,
  live: Live | null,
): Promise<Read> {
  const began = performance.now();
  const query = { ...queryOf(search, Date.now()), limit: PAGE_SIZE };
  const { said, exact } = await exactly(jobsList({ query, parseAs: "text" }));
  const rows = new Map(
    said.data.map((job, number) => [
      job.id,
      rowOf(job, at(exact, "data", number, "args"), before?.rows.get(job.id)),
    ]),
  );
  const gone = shown.filter((id) => !rows.has(id));
  for (const id of gone) {
    const known = before?.rows.get(id);
    if (known) rows.set(id, known);
  }
  await readAlone(toRead(gone, before, live?.jobsSince(before?.at ?? 0) ?? null), rows);
  return { at: began, ids: said.data.map((job) => job.id), rows, page: said.page };
}

/** Reads them at once; those that were deleted stay as they were seen, until the list is shown anew. */
async function readAlone(ids: string[], rows: Map<string, JobRow>): Promise<void> {
  if (!ids.length) return;
  const { said, exact } = await exactly(jobsFindMany({ query: { id: ids }, parseAs: "text" }));
  for (const [number, job] of said.data.entries()) {
    rows.set(job.id, rowOf(job, at(exact, "data", number, "args"), rows.get(job.id)));
  }
}

const keyOf = (search: JobsSought) => ["jobs", "list", search];

/** How a page is read that nothing is known of. */
export const readPage = (search: JobsSought) => ({
  queryKey: keyOf(search),
  queryFn: () => read(search, [], undefined, null),
});

/** The order that stays, and how many have come that are not in it. */
export function standing(kept: string[], now: string[]): { order: string[]; fresh: number } {
  if (!kept.length) return { order: now, fresh: 0 };
  const known = new Set(kept);
  return { order: kept, fresh: now.filter((id) => !known.has(id)).length };
}

/**
 * A page of jobs whose rows stay where they are: what changes is changed in place, and what is new
 * is only counted, until it is asked for.
 */
export function useJobPage(search: JobsSought) {
  const key = keyOf(search);
  const of = JSON.stringify(search);
  const queries = useQueryClient();
  const { live } = useRouteContext({ from: "__root__" });
  const [kept, keep] = useState<{ of: string; order: string[] }>({ of: "", order: [] });
  const order = kept.of === of ? kept.order : [];
  const found = useQuery({
    queryKey: key,
    queryFn: () => read(search, order, queries.getQueryData<Read>(key), live),
    structuralSharing: false,
  });
  const now = found.isPlaceholderData ? undefined : found.data;
  useEffect(() => {
    if (now?.ids.length && !order.length) keep({ of, order: now.ids });
  }, [now, of, order.length]);
  const stands = standing(now ? order : [], found.data?.ids ?? []);
  const rows = useMemo(
    () => stands.order.flatMap((id) => found.data?.rows.get(id) ?? []),
    [stands.order, found.data],
  );
  return {
    found,
    rows,
    fresh: stands.fresh,
    renew: () => now && keep({ of, order: now.ids }),
  };
}
