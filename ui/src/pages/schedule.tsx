import "@mantine/core/styles/Combobox.css";
import {
  Alert,
  Badge,
  Card,
  Code,
  Grid,
  Group,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { told } from "../api";
import {
  healthList,
  jobsList,
  schedulesNext,
  schedulesRemove,
  schedulesResume,
  schedulesTrigger,
  schedulesWhy,
} from "../client/sdk.gen";
import type { ScheduleFound } from "../client/types.gen";
import { Act } from "../parts/act";
import { Backfills } from "../parts/backfills";
import { ByCode } from "../parts/by_code";
import { zoneOfRule } from "../parts/differing";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { NextRuns } from "../parts/next_runs";
import { Occurred } from "../parts/occurred";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { Pausing } from "../parts/pausing";
import { expression } from "../parts/rule";
import { RunningWith, Skipping } from "../parts/running";
import { inWords, Nothing, Shown, Wrong } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { lasting, Moment } from "../parts/time";
import { Versions } from "../parts/versions";
import { readWhole, type Whole } from "../parts/whole_schedule";
import { useMay } from "../session";
import { Schedules } from "./schedules";

/** One schedule; its name may have slashes, and where there is none all are listed. */
export function Schedule() {
  const { _splat: name = "" } = useParams({ from: "/schedules/$" });
  return name ? <One key={name} name={name} /> : <Schedules />;
}

/** When next, what became of its moments, how it fares, and what was changed. */
function One({ name }: { name: string }) {
  const found = useQuery({
    queryKey: ["schedules", name],
    queryFn: () => readWhole(name),
  });
  return <Shown of={found}>{(whole) => <Found {...whole} />}</Shown>;
}

function Found({ schedule, args }: Whole) {
  return (
    <Page
      title={schedule.name}
      beside={<Standing of={schedule} />}
      actions={<Actions schedule={schedule} />}
    >
      <Says of={schedule} />
      {schedule.warnings.map((each) => (
        <Alert key={each} color="yellow" p="xs">
          {each}
        </Alert>
      ))}
      {schedule.broken && (
        <Alert color="red" p="xs" title="It was set aside, and makes no jobs until it is changed">
          {schedule.broken}
        </Alert>
      )}
      <ByCode source={schedule.source} />
      <Why schedule={schedule} />
      <Health name={schedule.name} schedule={schedule} />
      <Occurred name={schedule.name} />
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack gap="sm">
            <Next name={schedule.name} zone={zoneOfRule(schedule.recurrence)} />
            <Jobs name={schedule.name} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack gap="sm">
            <Policies of={schedule} args={args} />
            <Backfills name={schedule.name} />
            <Versions name={schedule.name} />
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function Says({ of }: { of: ScheduleFound }) {
  return (
    <Text size="sm" component="div">
      {of.description}, runs{" "}
      <Going to="/jobs" search={{ schedule: of.name }}>
        {of.task}
      </Going>{" "}
      <span className="mono" style={{ whiteSpace: "normal", overflowWrap: "anywhere" }}>
        {expression(of.recurrence)}
      </span>{" "}
      <Text span c="dimmed">
        ({of.source}, version {of.version}){" "}
      </Text>
      {of.tags.map((tag) => (
        <Going key={tag} to="/schedules" search={{ tag }} size="xs">
          #{tag}{" "}
        </Going>
      ))}
      <Going to="/calendar" search={{ schedule: of.name }} size="sm">
        in the calendar
      </Going>
    </Text>
  );
}

function Mark({ color, children }: { color: string; children: ReactNode }) {
  return (
    <Badge variant="light" tt="none" color={color}>
      {children}
    </Badge>
  );
}

function Standing({ of }: { of: ScheduleFound }) {
  if (of.broken) return <Mark color="red">set aside</Mark>;
  if (of.retired_at) return <Mark color="gray">retired</Mark>;
  if (of.paused_at)
    return (
      <Group gap="xs">
        <Mark color="yellow">paused by {of.paused_by}</Mark>
        <Text size="sm">
          <Moment at={of.paused_at} />
          {of.paused_why && <>: {of.paused_why}</>}
          {of.paused_until && (
            <>
              , goes on <Moment at={of.paused_until} />
            </>
          )}
        </Text>
      </Group>
    );
  return <Mark color="green">on</Mark>;
}

/** What can be done to it. */
function Actions({ schedule }: { schedule: ScheduleFound }) {
  const { name } = schedule;
  const path = { name };
  const navigate = useNavigate();
  const [isRunning, running] = useDisclosure();
  const [isSkipping, skipping] = useDisclosure();
  const [isPausing, pausing] = useDisclosure();
  const reads = ["schedules", "jobs", "calendar"];
  return (
    <>
      <Act
        name="Run now"
        needs="schedules:trigger"
        done="A job was made."
        reads={reads}
        does={() => told(schedulesTrigger({ path, body: {} }))}
      />
      <Opening name="Run with…" needs="schedules:trigger" onClick={running.open} />
      <Opening name="Skip…" needs="schedules:trigger" onClick={skipping.open} />
      {schedule.paused_at ? (
        <Act
          key="resume"
          name="Resume"
          needs="schedules:trigger"
          done="It is on again."
          reads={reads}
          does={() => told(schedulesResume({ path }))}
        />
      ) : (
        <Opening name="Pause…" needs="schedules:trigger" onClick={pausing.open} />
      )}
      <Opening
        name="Edit"
        needs="schedules:write"
        onClick={() => void navigate({ to: "/edit/schedule/$", params: { _splat: name } })}
      />
      <Opening
        name="Duplicate"
        needs="schedules:write"
        onClick={() => void navigate({ to: "/new/schedule", search: { like: name } })}
      />
      <Act
        name="Remove"
        needs="schedules:write"
        color="red"
        asks={
          schedule.source.startsWith("code")
            ? `${name} makes no more jobs; those it has made stay. It is declared in code: it comes back when the application is started.`
            : `${name} makes no more jobs. Those it has made, and its record, stay.`
        }
        done={`${name} is removed.`}
        reads={["calendar"]}
        does={() => schedulesRemove({ path })}
        after={() => void navigate({ to: "/schedules" })}
      />
      <RunningWith name={name} isOpen={isRunning} close={running.close} />
      <Skipping name={name} isOpen={isSkipping} close={skipping.close} now={schedule.skips} />
      <Pausing name={isPausing ? name : null} close={pausing.close} />
    </>
  );
}

function Why({ schedule }: { schedule: ScheduleFound }) {
  const why = useQuery({
    queryKey: ["schedules", schedule.name, "why"],
    queryFn: () => told(schedulesWhy({ path: { name: schedule.name } })),
  });
  if (why.error) return <Wrong error={why.error} />;
  return (
    <>
      {why.data?.data.map((reason) => (
        <Text key={reason.code + reason.what} size="sm" c="dimmed">
          {inWords(reason.what)}. {reason.remedy && <Code>{reason.remedy}</Code>}
        </Text>
      ))}
    </>
  );
}

/** How its jobs fare: of seven days, and in a row. */
function Health({ name, schedule }: { name: string; schedule: ScheduleFound }) {
  const may = useMay("jobs:read");
  const health = useQuery({
    queryKey: ["schedules", name, "health"],
    queryFn: () => told(healthList({ query: { kind: "schedule", name, window: "7d" } })),
    enabled: may,
    retry: false,
  });
  const found = health.data?.data[0];
  const { totals } = schedule;
  const rate = found?.window.success_rate;
  const seconds = (of: number | null | undefined) => (of == null ? "–" : lasting(of));
  const streak = !found
    ? "–"
    : found.failures_in_row
      ? `${found.failures_in_row} failed`
      : found.successes_in_row
        ? `${found.successes_in_row} completed`
        : "–";
  return (
    <SimpleGrid cols={{ base: 2, xs: 4, md: 8 }} spacing="xs">
      <Figure name="OK in 7 days" isWrong={rate != null && rate < 1}>
        {rate == null ? "–" : `${Math.floor(rate * 1000) / 10} %`}
      </Figure>
      <Figure name="In a row" isWrong={Boolean(found?.failures_in_row)}>
        {streak}
      </Figure>
      <Figure name="Half take up to">{seconds(found?.window.p50_s)}</Figure>
      <Figure name="95 % take up to">{seconds(found?.window.p95_s)}</Figure>
      <Figure name="Made in all">{schedule.made.toLocaleString("en")}</Figure>
      <Figure name="Late" isWrong={totals.late > 0}>
        {totals.late.toLocaleString("en")}
      </Figure>
      <Figure name="Skipped">{(totals.skipped + totals.coalesced).toLocaleString("en")}</Figure>
      <Figure name="Missed" isWrong={totals.missed > 0}>
        {totals.missed.toLocaleString("en")}
      </Figure>
    </SimpleGrid>
  );
}

function Figure({
  name,
  isWrong,
  children,
}: {
  name: string;
  isWrong?: boolean;
  children: ReactNode;
}) {
  return (
    <Card withBorder padding="xs">
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text size="sm" fw={650} c={isWrong ? "red" : undefined}>
        {children}
      </Text>
    </Card>
  );
}

function Next({ name, zone }: { name: string; zone: string }) {
  const next = useQuery({
    queryKey: ["schedules", name, "next"],
    queryFn: () => told(schedulesNext({ path: { name }, query: { count: 10, tz: zone } })),
  });
  return (
    <Card withBorder padding="sm">
      <Title order={2} size="h5" mb="xs">
        Next
      </Title>
      <Shown of={next}>
        {({ runs, warnings }) => (
          <>
            {warnings
              .filter((each) => /^(it is paused|its next|it rests)/.test(each))
              .map((each) => (
                <Text key={each} size="sm" c="yellow">
                  {each}
                </Text>
              ))}
            {runs.length ? (
              <NextRuns runs={runs} zone={zone} />
            ) : (
              <Nothing title="It has no more moments" />
            )}
          </>
        )}
      </Shown>
    </Card>
  );
}

const RESULTS = ["completed", "failed", "cancelled", "running", "pending", "retrying"];

type Asked = NonNullable<Parameters<typeof jobsList>[0]>["query"];

/** Its newest jobs, by what came of them. */
function Jobs({ name }: { name: string }) {
  const { result } = useSearch({ from: "/schedules/$" });
  const navigate = useNavigate({ from: "/schedules/$" });
  const list = useQuery({
    queryKey: ["jobs", "of", name, result],
    queryFn: () =>
      told(
        jobsList({
          query: {
            schedule: [name],
            state: result ? [result] : undefined,
            limit: 10,
          } as Asked,
        }),
      ),
  });
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          Jobs
        </Title>
        <Group gap="xs">
          <Select
            size="xs"
            w={150}
            aria-label="What came of them"
            placeholder="of every result"
            clearable
            data={RESULTS}
            value={result ?? null}
            onChange={(to) =>
              void navigate({
                params: { _splat: name },
                search: { result: to ?? undefined },
                replace: true,
              })
            }
          />
          <Going
            to="/jobs"
            search={{ schedule: name, state: result ? [result] : undefined }}
            size="sm"
          >
            all of them
          </Going>
        </Group>
      </Group>
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <Listed
              label="Jobs of this schedule"
              width={440}
              rows={data}
              keyOf={(each) => each.id}
              columns={[
                { name: "State", of: (each) => <StateBadge of={each.state} /> },
                {
                  name: "Due",
                  of: (each) => (
                    <Going to="/jobs/$job" params={{ job: each.id }} size="sm">
                      {each.occurrence_at ? <Moment at={each.occurrence_at} /> : "by hand"}
                    </Going>
                  ),
                },
                {
                  name: "Attempt",
                  isNumber: true,
                  of: (each) => `${each.attempt}/${each.max_attempts}`,
                },
                { name: "Made", isNumber: true, of: (each) => <Moment at={each.created_at} /> },
              ]}
            />
          ) : (
            <Nothing title={result ? `None is ${result}` : "None was made yet"} />
          )
        }
      </Shown>
    </Card>
  );
}

/** How it treats its moments and its jobs. */
function Policies({ of, args }: { of: ScheduleFound; args: string }) {
  const rows: [name: string, value: ReactNode][] = [
    ["While its last job runs", of.overlap],
    ["Moments nobody could run", of.catch_up],
    ["Jitter", of.jitter_s ? lasting(of.jitter_s) : null],
    ["Pauses itself after", of.pause_after && `${of.pause_after} failures in a row`],
    ["Due from", of.start_at && <Moment at={of.start_at} />],
    ["Due until", of.end_at && <Moment at={of.end_at} />],
    ["Jobs in all", of.limit && `${of.made} of ${of.limit}`],
    ["Queue", <Going key="q" to="/queues">{`${of.queue}, priority ${of.priority}`}</Going>],
    ["Attempts", `${of.max_attempts} at most`],
    [
      "Kept",
      of.keep && `completed ${of.keep.completed ?? "as all"}, failed ${of.keep.failed ?? "as all"}`,
    ],
    [
      "By the clock",
      of.clock && (
        <Going key="c" to="/clocks">
          {of.clock}
        </Going>
      ),
    ],
    ["Owner", of.owner],
    [
      "Arguments",
      of.args === null ? (
        "not shown"
      ) : (
        <code key="a" className="mono" style={{ whiteSpace: "pre-wrap" }}>
          {args}
        </code>
      ),
    ],
  ];
  return (
    <Card withBorder padding="sm">
      <Title order={2} size="h5" mb="xs">
        How it goes about it
      </Title>
      <Listed
        label="How it goes about it"
        width={280}
        rows={rows.filter(([, value]) => value)}
        keyOf={([name]) => name}
        columns={[
          { name: "What", of: ([name]) => <Text size="sm">{name}</Text> },
          {
            name: "How",
            of: ([, value]) => (
              <Text size="sm" component="div" style={{ overflowWrap: "anywhere" }}>
                {value}
              </Text>
            ),
          },
        ]}
      />
    </Card>
  );
}
