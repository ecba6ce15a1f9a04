import { Alert } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import { calendarGet } from "../client/sdk.gen";
import type { AgendaOut } from "../client/types.gen";
import { moment } from "./time";

/** What is shown; it stands in the address. */
export interface Sight {
  view: string;
  at: string;
  zone: string;
  schedule: string | undefined;
}

export type Seek = (to: Partial<Sight>) => void;

/** What a view of the calendar is given. */
export interface SeenOf {
  sight: Sight;
  seek: Seek;
}

/** What was and is to come, read anew while it is looked at. */
export function useAgenda({ schedule, zone }: Sight, from: string, to: string, by: "day" | "hour") {
  return useQuery({
    queryKey: ["calendar", from, to, by, zone, schedule],
    queryFn: () => told(calendarGet({ query: { from, to, by, tz: zone, schedule } })),
    refetchInterval: 15_000,
  });
}

/** A count as it is written. */
export const some = (count: number): string => count.toLocaleString("en");

/** What of all there is was not looked at. */
export function LeftOut({ of }: { of: AgendaOut }) {
  const cut = Math.max(0, ...of.buckets.map((each) => each.counts.cut));
  if (!cut && !of.left_out && !of.lapsed_since) return null;
  return (
    <Alert color="yellow" p="xs">
      {cut > 0 &&
        `${cut === 1 ? "One schedule is" : `${cut} schedules are`} due more often than could be looked at: what has + holds more. `}
      {of.left_out > 0 &&
        `Of ${some(of.left_out)} schedules nothing to come is shown: the 2,000 that are due soonest are looked at. `}
      {of.lapsed_since && (
        <>
          What was missed and skipped is shown whole since {moment(of.lapsed_since, "UTC")}: the
          newest 5,000 of either are looked at.
        </>
      )}
    </Alert>
  );
}
