import "@mantine/core/styles/Combobox.css";
import "./calendar.css";
import {
  Button,
  Group,
  ScrollArea,
  SegmentedControl,
  Select,
  Text,
  VisuallyHidden,
} from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { AgendaOut, BucketOut } from "../client/types.gen";
import { LeftOut, type Seek, type SeenOf, type Sight, some, useAgenda } from "../parts/agenda";
import { dayOf, isDay, monthOf, plus, plusMonths, STEPS, today, weeksOf } from "../parts/days";
import { Page } from "../parts/page";
import { Shown } from "../parts/shown";
import { nameOf, useZone } from "../parts/time";
import { Workdays } from "../parts/workdays";
import { ZONES } from "../parts/zones";
import { Day } from "./calendar_day";

const VIEWS = [
  { value: "month", label: "Month" },
  { value: "day", label: "Day" },
  { value: "workdays", label: "Working days" },
];
/** How many failures for one that completed make a day stand out. */
const MUCH = 0.01;
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

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
            ✓ completed, ✗ failed for good, ◇ missed, – skipped, → to come, 60 days ahead, by the
            clock of {sight.zone}. A range of moments counts once on each day. Arrows go by day and
            week, Page Up and Down by month, Enter opens a day.
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
        {counts && counts.missed > 0 && (
          <span className="missed">
            ◇ {some(counts.missed)} <VisuallyHidden>missed</VisuallyHidden>
          </span>
        )}
        {counts && counts.skipped > 0 && (
          <span>
            – {some(counts.skipped)} <VisuallyHidden>skipped</VisuallyHidden>
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
