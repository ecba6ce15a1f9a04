import { useCallback, useState } from "react";

/** The rows that are chosen after one more is clicked; with shift, all from the last one to it. */
export function chosenWith(
  chosen: ReadonlySet<string>,
  order: string[],
  clicked: string,
  from: string | null,
): Set<string> {
  const next = new Set(chosen);
  const isAdded = !chosen.has(clicked);
  const ends = [order.indexOf(clicked), from === null ? -1 : order.indexOf(from)];
  const [first, last] = ends.includes(-1)
    ? [ends[0], ends[0]]
    : [Math.min(...ends), Math.max(...ends)];
  for (const id of order.slice(first, (last as number) + 1)) {
    if (isAdded) next.add(id);
    else next.delete(id);
  }
  return next;
}

const NONE: ReadonlySet<string> = new Set();

interface Choice {
  /** Of which list: of another nothing is chosen. */
  of: string;
  chosen: ReadonlySet<string>;
  last: string | null;
  isAll: boolean;
}

/** Which rows of a list are chosen; or all that it has, on whatever page. */
export function useChosen(of: string) {
  const none: Choice = { of, chosen: NONE, last: null, isAll: false };
  const [kept, keep] = useState(none);
  const now = kept.of === of ? kept : none;
  const click = useCallback(
    (order: string[], id: string, isRange: boolean) =>
      keep((before) => {
        const { chosen, last } = before.of === of ? before : { chosen: NONE, last: null };
        const next = chosenWith(chosen, order, id, isRange ? last : null);
        return { of, chosen: next, last: id, isAll: false };
      }),
    [of],
  );
  return {
    chosen: now.chosen,
    isAll: now.isAll,
    click,
    clear: () => keep(none),
    takeAll: () => keep({ ...now, isAll: true }),
    page(order: string[]): void {
      const isWhole = order.every((id) => now.chosen.has(id));
      const chosen = isWhole ? NONE : new Set([...now.chosen, ...order]);
      keep({ of, chosen, last: null, isAll: false });
    },
  };
}
