import "@mantine/core/styles/Combobox.css";
import "./calendar.css";
import {
  Alert,
  Button,
  Group,
  ScrollArea,
  SegmentedControl,
  Select,
  Stack,
  Text,
  VisuallyHidden,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { told } from "../api";
import { calendarGet } from "../client/sdk.gen";
import type { AgendaOut, BucketOut, CellOut } from "../client/types.gen";
import { dayOf, isDay, monthOf, plus, plusMonths, STEPS, today, weeksOf } from "../parts/days";
import { Page } from "../parts/page";
import { Shown } from "../parts/shown";
import { nameOf, useZone } from "../parts/time";
import { Workdays } from "../parts/workdays";
import { ZONES } from "../parts/zones";
import type { JobsSought } from "../router";

const VIEWS = [
  { value: "month", label: "Month" },
  { value: "day", label: "Day" },
  { value: "workdays", label: "Working days" },
];
/** How many failures for one that completed make a day stand out. */
const MUCH = 0.01;
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** What is shown; it stands in the address. */
interface Sight {
  view: string;
  at: string;
  zone: string;
  schedule: string | undefined;
}

type Seek = (to: Partial<Sight>) => void;

function useSight(): [Sight, Seek] {
  const search = useSearch({ from: "/calendar" });
  const navigate = useNavigate({ from: "/calendar" });
  const [chosen] = useZone();
  const zone = search.zone && ZONES.includes(search.zone) ? search.zone : nameOf(chosen);
  const view = VIEWS.some((each) => each.value === search.view) ? search.view : "month";
  const at = isDay(search.at) ? search.at : today(zone);
  const seek: Seek = (to) => void navigate({ search: (before) => ({ ...before, ...to }) });
  return [{ view: view ?? "month", at, zone, schedule: search.schedule }, seek];
}

/** What schedules had ended and what is to come, by month and by day; and which days are worked. */
export function Calendar() {
  const [sight, seek] = useSight();
  const isDays = sight.view === "day";
  const step = (by: number) => seek({ at: isDays ? plus(sight.at, by) : plusMonths(sight.at, by) });
  return (
    <Page
      title="Calendar"
      actions={
        <SegmentedControl
          size="xs"
          aria-label="View"
          data={VIEWS}
          value={sight.view}
          onChange={(view) => seek({ view })}
        />
      }
    >
      {sight.view === "workdays" ? (
        <Workdays />
      ) : (
        <>
          <Group justify="space-between" gap="xs">
            <Group gap="xs">
              <Button size="xs" variant="default" onClick={() => step(-1)} aria-label="Earlier">
                ‹
              </Button>
              <Button size="xs" variant="default" onClick={() => seek({ at: undefined })}>
                Today
              </Button>
              <Button size="xs" variant="default" onClick={() => step(1)} aria-label="Later">
                ›
              </Button>
              <Text fw={600} aria-live="polite">
                {isDays ? dayOf(sight.at) : monthOf(sight.at)}
              </Text>
            </Group>
            <Group gap="xs">
              {sight.schedule && (
                <Button
                  size="compact-xs"
                  variant="light"
                  aria-label={`Take schedule ${sight.schedule} away`}
                  onClick={() => seek({ schedule: undefined })}
                >
                  {sight.schedule} ×
                </Button>
              )}
              <Select
                size="xs"
                w={190}
                aria-label="Zone"
                searchable
                allowDeselect={false}
                data={ZONES}
                value={sight.zone}
                onChange={(zone) => seek({ zone: zone ?? undefined })}
              />
            </Group>
          </Group>
          {isDays ? <Day sight={sight} seek={seek} /> : <Month sight={sight} seek={seek} />}
        </>
      )}
    </Page>
  );
}

function useAgenda({ schedule, zone }: Sight, from: string, to: string, by: "day" | "hour") {
  return useQuery({
    queryKey: ["calendar", from, to, by, zone, schedule],
    queryFn: () => told(calendarGet({ query: { from, to, by, tz: zone, schedule } })),
    refetchInterval: 15_000,
  });
}

interface SeenOf {
  sight: Sight;
  seek: Seek;
}

function Month({ sight, seek }: SeenOf) {
  const weeks = weeksOf(sight.at);
  const agenda = useAgenda(sight, weeks[0]?.[0] ?? "", weeks[5]?.[6] ?? "", "day");
  return (
    <Shown of={agenda}>
      {(of) => (
        <>
          <ScrollArea type="auto">
            <Grid of={of} weeks={weeks} sight={sight} seek={seek} />
          </ScrollArea>
          <Text size="xs" c="dimmed">
            ✓ completed, ✗ failed for good, → to come, 60 days ahead, by the clock of {sight.zone}.
            Arrows go by day and week, Page Up and Down by month, Enter opens a day.
          </Text>
          <LeftOut of={of} />
        </>
      )}
    </Shown>
  );
}

function Grid({ of, weeks, sight, seek }: { of: AgendaOut; weeks: string[][] } & SeenOf) {
  const table = useRef<HTMLTableElement>(null);
  const [isMoved, setMoved] = useState(false);
  const byDay = new Map(of.buckets.map((each) => [each.local.slice(0, 10), each]));

  useEffect(() => {
    if (isMoved) table.current?.querySelector<HTMLElement>(`[data-day="${sight.at}"]`)?.focus();
  }, [sight.at, isMoved]);

  function pressed(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    setMoved(true);
    seek({ at: step(sight.at) });
  }

  return (
    <table className="calendar" ref={table} onKeyDown={pressed} aria-label={monthOf(sight.at)}>
      <thead>
        <tr>
          {WEEKDAYS.map((each) => (
            <th key={each} scope="col">
              {each}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {weeks.map((week) => (
          <tr key={week[0]}>
            {week.map((day) => (
              <Cell
                key={day}
                day={day}
                of={byDay.get(day)}
                today={of.today}
                sight={sight}
                isHere={day === sight.at}
              />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellOf {
  day: string;
  of: BucketOut | undefined;
  today: string;
  sight: Sight;
  isHere: boolean;
}

function Cell({ day, of, today: now, sight, isHere }: CellOf) {
  const counts = of?.counts;
  const isOther = day.slice(0, 7) !== sight.at.slice(0, 7);
  const marks = [
    isOther && "other",
    day === now && "today",
    counts && counts.failed > 0 && counts.failed >= MUCH * counts.completed && "failed",
  ];
  return (
    <td className={marks.filter(Boolean).join(" ")} aria-current={day === now ? "date" : undefined}>
      <Link
        className="day"
        to="/calendar"
        search={(before) => ({ ...before, view: "day", at: day })}
        data-day={day}
        tabIndex={isHere ? 0 : -1}
      >
        <VisuallyHidden>{dayOf(day)}:</VisuallyHidden>
        <span className="date" aria-hidden="true">
          {Number(day.slice(8))}
        </span>
        {counts && counts.completed > 0 && (
          <span>
            ✓ {some(counts.completed)} <VisuallyHidden>completed</VisuallyHidden>
          </span>
        )}
        {counts && counts.failed > 0 && (
          <span className="bad">
            ✗ {some(counts.failed)} <VisuallyHidden>failed</VisuallyHidden>
          </span>
        )}
        {counts && (counts.coming > 0 || counts.cut > 0) && (
          <span className="coming">
            → {some(counts.coming)}
            {counts.cut > 0 && "+"} <VisuallyHidden>to come</VisuallyHidden>
          </span>
        )}
        {of && of.hours !== 24 && <span>{of.hours} h long</span>}
      </Link>
    </td>
  );
}

const some = (count: number): string => count.toLocaleString("en");

function LeftOut({ of }: { of: AgendaOut }) {
  const cut = Math.max(0, ...of.buckets.map((each) => each.counts.cut));
  if (!cut && !of.left_out) return null;
  return (
    <Alert color="yellow" p="xs">
      {cut > 0 &&
        `${cut === 1 ? "One schedule is" : `${cut} schedules are`} due more often than could be looked at: what has + holds more. `}
      {of.left_out > 0 &&
        `Of ${some(of.left_out)} schedules nothing to come is shown: the 2,000 that are due soonest are looked at.`}
    </Alert>
  );
}

const FIRST = 12;

function Day({ sight, seek }: SeenOf) {
  const agenda = useAgenda(sight, sight.at, sight.at, "hour");

  function pressed(event: KeyboardEvent): void {
    const step = event.key === "ArrowLeft" || event.key === "ArrowRight" ? STEPS[event.key] : null;
    if (step && !(event.target instanceof HTMLInputElement)) seek({ at: step(sight.at) });
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are a way beside the buttons
    <div onKeyDown={pressed}>
      <Shown of={agenda}>{(of) => <Hours of={of} sight={sight} />}</Shown>
    </div>
  );
}

function Hours({ of, sight }: { of: AgendaOut; sight: Sight }) {
  const hours = of.buckets.reduce((sum, each) => sum + each.hours, 0);
  const isEmpty = of.schedules.length === 0;
  const offsets = new Set(of.buckets.map((each) => offsetOf(each.local)));
  return (
    <Stack gap="xs">
      {hours !== 24 && (
        <Alert color="blue" p="xs">
          This day has {hours} hours in {sight.zone}: the clock is moved{" "}
          {hours < 24 ? "forward" : "back"}.
        </Alert>
      )}
      {isEmpty && (
        <Text size="sm" c="dimmed">
          Nothing ended, and nothing is to come: 60 days are looked ahead, and schedules of virtual
          clocks are not in here.
        </Text>
      )}
      <table className="hours" aria-label={dayOf(sight.at)}>
        <tbody>
          {of.buckets.map((each, at) => (
            <Hour
              key={each.begins_at}
              of={of}
              hour={each}
              at={at}
              zone={sight.zone}
              day={sight.at}
              withOffset={offsets.size > 1}
            />
          ))}
        </tbody>
      </table>
      {of.schedules_more > 0 && (
        <Text size="sm" c="dimmed">
          and {some(of.schedules_more)} schedules more
        </Text>
      )}
      <LeftOut of={of} />
    </Stack>
  );
}

const offsetOf = (local: string): string => local.slice(19) || "+00:00";

interface HourOf {
  of: AgendaOut;
  hour: BucketOut;
  at: number;
  zone: string;
  day: string;
  withOffset: boolean;
}

function Hour({ of, hour, at, zone, withOffset }: HourOf) {
  const [isAll, setAll] = useState(false);
  const isNow = hour.begins_at <= of.now && of.now < hour.ends_at;
  const found = of.schedules.flatMap((row) =>
    row.cells.filter((cell) => cell.bucket === at).map((cell) => ({ name: row.name, cell })),
  );
  const shown = isAll ? found : found.slice(0, FIRST);
  return (
    <tr className={isNow ? "now" : undefined}>
      <th scope="row">
        {hour.local.slice(11, 16)}
        {withOffset && ` ${offsetOf(hour.local)}`}
        {isNow && " · now"}
      </th>
      <td>
        <Group gap={6}>
          {shown.map(({ name, cell }) => (
            <Pills key={name ?? ""} name={name} cell={cell} zone={zone} hour={hour} />
          ))}
          {found.length > shown.length && (
            <Button size="compact-xs" variant="default" onClick={() => setAll(true)}>
              +{found.length - shown.length} more
            </Button>
          )}
        </Group>
      </td>
    </tr>
  );
}

interface PillsOf {
  name: string | null;
  cell: CellOut;
  zone: string;
  hour: BucketOut;
}

function Pills({ name, cell, zone, hour }: PillsOf) {
  const { completed, failed, cancelled, coming, cut } = cell.counts;
  const isPast = completed + failed + cancelled > 0;
  const past = (
    <>
      {name ?? "removed schedules"}
      {completed > 0 && <span>✓ {some(completed)}</span>}
      {failed > 0 && <span className="bad">✗ {some(failed)}</span>}
      {cancelled > 0 && <span>⊘ {some(cancelled)}</span>}
    </>
  );
  return (
    <>
      {isPast &&
        (name ? (
          <Link className="pill" to="/jobs" search={ended(name, hour)}>
            {past}
          </Link>
        ) : (
          <span className="pill">{past}</span>
        ))}
      {(coming > 0 || cut > 0) && name && (
        <Link
          className={coming > 1 ? "pill coming band" : "pill coming"}
          to="/schedules/$"
          params={{ _splat: name }}
        >
          {name} {when(cell, zone)}
        </Link>
      )}
    </>
  );
}

/** The jobs of a schedule that ended in an hour. */
function ended(schedule: string, { begins_at, ends_at }: BucketOut): JobsSought {
  return { schedule, finished_since: begins_at, finished_until: ends_at } as JobsSought;
}

function when(cell: CellOut, zone: string): string {
  const { coming, cut } = cell.counts;
  const more = cut ? "+" : "";
  const clock = (at: string | null) =>
    at
      ? new Intl.DateTimeFormat("sv-SE", { timeZone: zone, timeStyle: "short" }).format(
          new Date(at),
        )
      : "";
  if (coming === 0) return "+";
  if (coming === 1) return `${clock(cell.first_at)}${more}`;
  if (cell.every_s) return `every ${apart(cell.every_s)} ×${some(coming)}${more}`;
  return `${clock(cell.first_at)}–${clock(cell.last_at)} ×${some(coming)}${more}`;
}

function apart(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
