import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import type { AgendaOut, BucketOut, CellOut } from "../client/types.gen";
import { LeftOut, type SeenOf, type Sight, some, useAgenda } from "../parts/agenda";
import { dayOf, STEPS } from "../parts/days";
import { Shown } from "../parts/shown";
import type { JobsSought } from "../router";

const FIRST = 12;

/** The hours of a day, each schedule by itself. */
export function Day({ sight, seek }: SeenOf) {
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
  const { completed, failed, cancelled, missed, skipped, coming, cut } = cell.counts;
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
      {missed + skipped > 0 && (
        <Lapsed name={name}>
          {missed > 0 && <span className="missed">◇ {some(missed)} missed</span>}
          {skipped > 0 && <span>– {some(skipped)} skipped</span>}
        </Lapsed>
      )}
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

/** What made no job; why stands among the moments of its schedule. */
function Lapsed({ name, children }: { name: string | null; children: ReactNode }) {
  if (!name) return <span className="pill">removed schedules {children}</span>;
  return (
    <Link className="pill" to="/schedules/$" params={{ _splat: name }}>
      {name} {children}
    </Link>
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
