import {
  Alert,
  Box,
  Card,
  Grid,
  Group,
  SegmentedControl,
  SimpleGrid,
  Table,
  Text,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, TriangleAlert } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { told } from "../api";
import {
  breakersList,
  incidentsCount,
  incidentsList,
  jobsCounts,
  queuesList,
  reportsGet,
  schedulesList,
  workersList,
} from "../client/sdk.gen";
import type { ReportOut } from "../client/types.gen";
import { Ended } from "../parts/ended";
import { count, percent, points, times } from "../parts/figures";
import { Going } from "../parts/going";
import { Page } from "../parts/page";
import { Part } from "../parts/part";
import { Spark } from "../parts/plot";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { useSought } from "../parts/sought";
import {
  behind,
  halted,
  holding,
  isDue,
  late,
  SOONEST,
  stands,
  unserved,
  waiting,
} from "../parts/standing";
import { StateBadge } from "../parts/state";
import { lasting, Moment, useNow } from "../parts/time";
import { useMay, useMe } from "../session";
import { First } from "./overview_first";

/** Whether all is well, what comes next, and whether the workers keep up. */
export function Overview() {
  const seen = useSeen();
  const counts = seen.counts.data;
  const isNew = counts && Object.values(counts.data).every((each) => !each?.number);
  const asked = Object.values(seen);
  const wrong = new Map(asked.flatMap(({ error }) => (error ? [[error.message, error]] : [])));
  const again = () => {
    for (const each of asked) if (each.error) void each.refetch();
  };
  return (
    <Page title="Overview">
      {[...wrong.values()].map((error) => (
        <Wrong key={error.message} error={error} again={again} />
      ))}
      <Standing of={seen} />
      {isNew ? (
        <>
          <First />
          {seen.schedules.data?.data.length ? <NextUp of={seen} /> : null}
        </>
      ) : (
        <>
          <Tiles of={seen} />
          <Grid>
            <Grid.Col span={{ base: 12, md: 6 }}>
              <Attention of={seen} />
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 6 }}>
              <NextUp of={seen} />
            </Grid.Col>
          </Grid>
          <Throughput said={wrong} />
        </>
      )}
    </Page>
  );
}

/** All that the page is made of, each as far as one may see it. */
function useSeen() {
  const isEverybodys = useMe().data?.owner === null;
  const mayIncidents = useMay("incidents:read") && isEverybodys;
  const mayQueues = useMay("queues:read");
  const mayWorkers = useMay("workers:read");
  const maySchedules = useMay("schedules:read");
  return {
    incidents: useQuery({
      queryKey: ["incidents", "counts"],
      queryFn: () => told(incidentsCount()),
      refetchInterval: 15_000,
      enabled: mayIncidents,
    }),
    open: useQuery({
      queryKey: ["incidents", "open"],
      queryFn: () => told(incidentsList({ query: { limit: 8 } })),
      refetchInterval: 15_000,
      enabled: mayIncidents,
    }),
    counts: useQuery({ queryKey: ["jobs", "counts"], queryFn: () => told(jobsCounts()) }),
    queues: useQuery({
      queryKey: ["queues"],
      queryFn: () => told(queuesList()),
      enabled: mayQueues,
    }),
    workers: useQuery({
      queryKey: ["workers"],
      queryFn: () => told(workersList()),
      enabled: mayWorkers,
    }),
    breakers: useQuery({
      queryKey: ["breakers"],
      queryFn: () => told(breakersList()),
      refetchInterval: 15_000,
      enabled: mayQueues && isEverybodys,
    }),
    schedules: useQuery({
      queryKey: ["schedules", "next"],
      queryFn: () => told(schedulesList({ query: { soonest: true, limit: SOONEST } })),
      enabled: maySchedules,
    }),
    hour: useReport("1h"),
  };
}

type Seen = ReturnType<typeof useSeen>;

function useReport(window: string) {
  return useQuery({
    queryKey: ["jobs", "report", "task", window],
    queryFn: async () =>
      (await told(reportsGet({ query: { kind: "task", window, format: "json" } }))) as ReportOut,
    refetchInterval: 30_000,
  });
}

function Standing({ of }: { of: Seen }) {
  const now = useNow();
  const asked = [of.incidents, of.schedules, of.queues, of.workers, of.breakers];
  if (asked.some((each) => each.isLoading)) return null;
  const failed = asked.find((each) => each.error && each.data === undefined);
  const { isWell, says } = stands(
    {
      incidents: of.incidents.data?.counts ?? {},
      schedules: of.schedules.data?.data ?? [],
      queues: of.queues.data?.data ?? [],
      workers: of.workers.data?.data ?? null,
      breakers: of.breakers.data?.data ?? [],
    },
    now,
  );
  if (failed) return null;
  return (
    <Alert
      role="status"
      py="xs"
      color={isWell ? "green" : "yellow"}
      icon={isWell ? <CircleCheck aria-hidden /> : <TriangleAlert aria-hidden />}
    >
      <Text fw={600} size="sm">
        {says[0]?.toUpperCase()}
        {says.slice(1)}
      </Text>
    </Alert>
  );
}

const samples = new Map<string, number[]>();

/** What a figure was since the page was opened, as often as it was read. */
function useSamples(name: string, value: number | null, readAt: number): number[] {
  const [kept, keep] = useState(samples.get(name) ?? []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one sample for each time it was read
  useEffect(() => {
    if (value === null || readAt === 0) return;
    const next = [...(samples.get(name) ?? []), value].slice(-60);
    samples.set(name, next);
    keep(next);
  }, [readAt]);
  return kept;
}

function Tiles({ of }: { of: Seen }) {
  const now = useNow();
  const pending = of.counts.data?.data.pending;
  const due = of.counts.data ? (pending?.number ?? 0) : null;
  const longest = of.queues.data ? behind(of.queues.data.data, now) : null;
  const slots = of.workers.data?.data.reduce((sum, each) => sum + each.concurrency, 0) ?? null;
  const busy = of.workers.data?.data.reduce((sum, each) => sum + each.running, 0) ?? null;
  const hour = of.hour.data;
  const total = hour?.total;
  const minutes = hour ? (Date.parse(hour.until) - Date.parse(hour.since)) / 60_000 : 1;
  const ended = total ? total.completed + total.failed : null;
  const wait = of.queues.data ? Math.max(0, longest?.wait ?? 0) / 1000 : null;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm">
      <Tile
        name="Due now"
        link={
          <Going to="/jobs" search={{ state: ["pending"] }} {...FIGURE}>
            {due === null
              ? unread(of.counts)
              : `${count(due)}${pending?.is_exact === false ? "+" : ""}`}
          </Going>
        }
        more="jobs that wait for a slot"
        values={useSamples("due", due, of.counts.dataUpdatedAt)}
      />
      <Tile
        name="Oldest waits"
        link={
          <Going to="/queues" {...FIGURE}>
            {wait === null ? "–" : longest ? lasting(Math.round(wait)) : "none"}
          </Going>
        }
        more={longest ? `in ${longest.queue}` : of.queues.data ? "no job is due" : ""}
        values={useSamples("wait", wait, of.queues.dataUpdatedAt)}
      />
      <Tile
        name="Ended a minute"
        link={
          <Going to="/reports" search={{ window: "24h" }} {...FIGURE}>
            {ended === null ? unread(of.hour) : count(ended / Math.max(1, minutes))}
          </Going>
        }
        more={total ? `in an hour; ${times(total.trend.volume_ratio)}` : ""}
        values={hour?.points.map((each) => each.completed + each.failed) ?? []}
      />
      <Tile
        name="Success"
        link={
          <Going to="/jobs" search={{ state: ["failed"] }} {...FIGURE}>
            {total ? percent(total.success_rate) : unread(of.hour)}
          </Going>
        }
        more={total ? points(total.trend.rate_points) : ""}
        values={hour?.points.map((each) => each.success_rate) ?? []}
      />
      <Tile
        name="p95 run time"
        link={
          <Going to="/reports" search={{ window: "24h", sort: "-p95" }} {...FIGURE}>
            {total ? (total.p95_s === null ? "–" : lasting(total.p95_s)) : unread(of.hour)}
          </Going>
        }
        more={total ? times(total.trend.p95_ratio) : ""}
        values={hour?.points.map((each) => each.p95_s) ?? []}
      />
      <Tile
        name="Busy slots"
        link={
          <Going to="/workers" {...FIGURE}>
            {slots === null ? "–" : `${busy} / ${slots}`}
          </Going>
        }
        more={
          of.workers.data
            ? `of ${of.workers.data.data.length} ${of.workers.data.data.length === 1 ? "worker" : "workers"}`
            : ""
        }
        values={useSamples("busy", busy, of.workers.dataUpdatedAt)}
      />
    </SimpleGrid>
  );
}

/** What stands for a figure that is not there: it comes, or could not be read. */
function unread({ error }: { error: Error | null }): string {
  return error ? "–" : "…";
}

/** How a figure looks that leads to the list it sums up. */
const FIGURE = { underline: "hover", c: "inherit", className: "number", inherit: true } as const;

interface TileOf {
  name: string;
  link: ReactNode;
  more: string;
  values: (number | null)[];
}

function Tile({ name, link, more, values }: TileOf) {
  return (
    <Card withBorder padding="sm">
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Box fw={650} fz="xl">
        {link}
      </Box>
      <Text size="xs" c="dimmed" truncate>
        {more}
      </Text>
      <Spark values={values} />
    </Card>
  );
}

function Line({ of, children }: { of: string; children: ReactNode }) {
  return (
    <Group wrap="nowrap" align="flex-start" gap="sm" py={5}>
      <StateBadge of={of} />
      <div>{children}</div>
    </Group>
  );
}

function Attention({ of }: { of: Seen }) {
  const now = useNow();
  const slow = late(of.schedules.data?.data ?? [], now);
  const alone = of.workers.data ? unserved(of.queues.data?.data ?? [], of.workers.data.data) : [];
  const paused = halted(of.queues.data?.data ?? []);
  const broken = holding(of.breakers.data?.data ?? []);
  const failures = of.hour.data?.failures.groups.slice(0, 5) ?? [];
  const open = of.open.data?.data ?? [];
  const isLoading = [of.open, of.schedules, of.queues, of.hour].some((each) => each.isLoading);
  const asked = [of.open, of.hour, of.schedules, of.queues, of.breakers];
  const error = asked.find((each) => each.error && each.data === undefined);
  return (
    <Part title="Needs attention">
      {open.map((each) => (
        <Line key={each.id} of={each.severity}>
          <Going to="/alerts/incidents/$incident" params={{ incident: each.id }} size="sm" fw={550}>
            {each.facts.what}
          </Going>
          <Text size="xs" c="dimmed">
            {each.state}, <Moment at={each.opened_at} /> · {each.rule}
          </Text>
        </Line>
      ))}
      {of.open.data?.page.next && (
        <Going to="/alerts" size="sm">
          All incidents
        </Going>
      )}
      {slow.slice(0, 5).map((each) => (
        <Line key={each.name} of="warning">
          <Text size="sm">
            Schedule{" "}
            <Going to="/schedules/$" params={{ _splat: each.name }} size="sm">
              {each.name}
            </Going>{" "}
            was due <Moment at={each.next_due_at} />
          </Text>
        </Line>
      ))}
      {alone.map((each) => (
        <Line key={each.name} of="error">
          <Text size="sm">
            <Going to="/queues" search={{ queue: each.name }} size="sm">
              {each.name}
            </Going>{" "}
            has jobs and no worker
          </Text>
        </Line>
      ))}
      {paused.map((each) => (
        <Line key={each.name} of="warning">
          <Text size="sm">
            <Going to="/queues" search={{ queue: each.name }} size="sm">
              {each.name}
            </Going>{" "}
            is paused by {each.paused_by}, <Moment at={each.paused_at} />: {waiting(each.pending)}
          </Text>
        </Line>
      ))}
      {broken.map((each) => (
        <Line key={each.name} of="error">
          <Text size="sm">
            Breaker{" "}
            <Going to="/limits" search={{ tab: "breakers" }} size="sm">
              {each.name}
            </Going>{" "}
            is {each.state} since <Moment at={each.opened_at} />: {waiting(each.waiting)}
          </Text>
          <Text size="xs" c="dimmed">
            {each.reason}
          </Text>
        </Line>
      ))}
      {failures.length > 0 && (
        <Text size="xs" c="dimmed" fw={600} mt="xs">
          Failures of the last hour
        </Text>
      )}
      {failures.map((each) => (
        <Line key={each.fingerprint} of="failed">
          <Going to="/jobs/$job" params={{ job: each.example }} size="sm">
            {each.type}
          </Going>{" "}
          <Text span size="sm">
            {count(each.number)}× in {Object.keys(each.tasks).join(", ")}
          </Text>
          <Text size="xs" c="dimmed">
            {each.place ?? each.message} · last <Moment at={each.last_at} />
          </Text>
        </Line>
      ))}
      {!isLoading &&
        !error &&
        !open.length &&
        !slow.length &&
        !alone.length &&
        !paused.length &&
        !broken.length &&
        !failures.length && (
          <Nothing title="Nothing does">
            No incident is open, nothing is late, nothing failed.
          </Nothing>
        )}
    </Part>
  );
}

function NextUp({ of }: { of: Seen }) {
  const now = useNow();
  return (
    <Part
      title="Next up"
      beside={
        <Going to="/calendar" size="sm">
          Calendar
        </Going>
      }
    >
      <Shown of={of.schedules} isSaid>
        {({ data }) => {
          const next = data.slice(0, 15);
          return next.length ? (
            <Table verticalSpacing={4} aria-label="Next up">
              <Table.Tbody>
                {next.map((each) => (
                  <Table.Tr key={each.name}>
                    <Table.Td>
                      <Going to="/schedules/$" params={{ _splat: each.name }} size="sm">
                        {each.name}
                      </Going>
                      <Text size="xs" c="dimmed">
                        {each.description}
                      </Text>
                    </Table.Td>
                    <Table.Td className="number">
                      {isDue(each.next_due_at, now) ? "now" : <Moment at={each.next_due_at} />}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          ) : (
            <Nothing title="Nothing is due">No schedule has a next moment.</Nothing>
          );
        }}
      </Shown>
    </Part>
  );
}

const WINDOWS = [
  { value: "1h", label: "1 h" },
  { value: "6h", label: "6 h" },
  { value: "24h", label: "24 h" },
  { value: "7d", label: "7 d" },
];

function Throughput({ said }: { said: Map<string, Error> }) {
  const [search, seek] = useSought();
  const window = search.window ?? "1h";
  const report = useReport(window);
  return (
    <Part
      title="Completed and failed"
      beside={
        <SegmentedControl
          size="xs"
          aria-label="Window"
          data={WINDOWS}
          value={window}
          onChange={(to) => seek({ window: to })}
        />
      }
    >
      <Shown of={report} isSaid={said.has(report.error?.message ?? "")}>
        {(found) => <Ended of={found} />}
      </Shown>
    </Part>
  );
}
