import {
  Anchor,
  Badge,
  Button,
  Card,
  Grid,
  Group,
  NativeSelect,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { base } from "../base";
import {
  healthAnomalies,
  objectivesList,
  objectivesRemove,
  objectivesSet,
  reportsGet,
} from "../client/sdk.gen";
import type {
  ComparedOut,
  FailureGroupOut,
  SubjectKind as Kind,
  ObjectiveOut,
  PointOut,
  ReportOut,
} from "../client/types.gen";
import { Act, useAct } from "../parts/act";
import { Ended } from "../parts/ended";
import { count, isWorse, percent, points, times } from "../parts/figures";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { Narrowing, Written } from "../parts/narrowing";
import { Page } from "../parts/page";
import { Part } from "../parts/part";
import { Plot } from "../parts/plot";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { Sorted } from "../parts/sorted";
import { useSought } from "../parts/sought";
import { lasting, Moment } from "../parts/time";
import { refusedAt } from "../parts/typed";
import { useMay } from "../session";

const WINDOWS = [
  { value: "24h", label: "24 h" },
  { value: "7d", label: "7 d" },
  { value: "30d", label: "30 d" },
];
const KINDS: { value: Kind; label: string }[] = [
  { value: "task", label: "Tasks" },
  { value: "schedule", label: "Schedules" },
  { value: "queue", label: "Queues" },
];

/** What happened in a window, beside the window before it. */
export function Reports() {
  const [search, seek] = useSought();
  const window = search.window ?? "7d";
  const kind = (search.kind ?? "task") as Kind;
  const report = useQuery({
    queryKey: ["jobs", "report", kind, window],
    queryFn: async () =>
      (await told(reportsGet({ query: { kind, window, format: "json" } }))) as ReportOut,
  });
  return (
    <Page title="Reports" actions={<Exports kind={kind} window={window} />}>
      <Narrowing>
        <SegmentedControl
          size="xs"
          aria-label="Window"
          data={WINDOWS}
          value={window}
          onChange={(to) => seek({ window: to })}
        />
        <SegmentedControl
          size="xs"
          aria-label="Rows of"
          data={KINDS}
          value={kind}
          onChange={(to) => seek({ kind: to, name: undefined })}
        />
        <Written label="Called" name="name" like={kind === "queue" ? "billing" : "charge"} />
      </Narrowing>
      <Shown of={report}>
        {(found) => (
          <Stack gap="sm">
            <Totals of={found} />
            <Grid>
              <Grid.Col span={{ base: 12, md: 6 }}>
                <RunTimes of={found} />
              </Grid.Col>
              <Grid.Col span={{ base: 12, md: 6 }}>
                <Part title="Completed and failed">
                  <Ended of={found} />
                </Part>
              </Grid.Col>
            </Grid>
            <Rows of={found} kind={kind} name={search.name} />
            <Failures of={found} />
          </Stack>
        )}
      </Shown>
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Unusual kind={kind} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Objectives kind={kind} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function Exports({ kind, window }: { kind: Kind; window: string }) {
  return ["csv", "json", "html"].map((format) => (
    <Anchor
      key={format}
      size="sm"
      href={new URL(`api/v1/reports?${new URLSearchParams({ kind, window, format })}`, base).href}
      download={format === "html" ? undefined : `report-${kind}-${window}.${format}`}
      target={format === "html" ? "_blank" : undefined}
      rel="noreferrer"
    >
      {format.toUpperCase()}
    </Anchor>
  ));
}

function Total({ name, value, trend }: { name: string; value: string; trend: string }) {
  return (
    <Card withBorder padding="sm">
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text fw={650} size="xl" className="number" ta="left">
        {value}
      </Text>
      <Text size="xs" c="dimmed">
        {trend}
      </Text>
    </Card>
  );
}

function Totals({ of }: { of: ReportOut }) {
  const { total } = of;
  const seconds = (each: number | null) => (each === null ? "–" : lasting(each));
  return (
    <>
      <Text size="xs" c="dimmed">
        From <Moment at={of.since} /> until <Moment at={of.until} />, beside the same time before.
      </Text>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        <Total
          name="Completed or failed"
          value={count(total.completed + total.failed)}
          trend={times(total.trend.volume_ratio)}
        />
        <Total
          name="Success"
          value={percent(total.success_rate)}
          trend={points(total.trend.rate_points)}
        />
        <Total
          name="p95 run time"
          value={seconds(total.p95_s)}
          trend={times(total.trend.p95_ratio)}
        />
        <Total
          name="Attempts a job took"
          value={total.attempts_per_job?.toFixed(2) ?? "–"}
          trend={`${count(total.failed)} failed for good`}
        />
      </SimpleGrid>
    </>
  );
}

function RunTimes({ of }: { of: ReportOut }) {
  return (
    <Part title="Run times">
      {of.points.length ? (
        <Plot<PointOut>
          as="lines"
          label={`Run times: half of the runs within ${told_of(of.total.p50_s)}, 95 of 100 within ${told_of(of.total.p95_s)}`}
          points={of.points}
          at={(each) => each.at}
          since={of.since}
          until={of.until}
          step={of.step_s}
          tells={lasting}
          series={[
            { name: "p50", color: "1", of: (each) => each.p50_s },
            { name: "p95", color: "2", of: (each) => each.p95_s },
            { name: "p99", color: "3", of: (each) => each.p99_s },
          ]}
        />
      ) : (
        <Nothing title="Nothing ended in this time" />
      )}
    </Part>
  );
}

function told_of(seconds: number | null): string {
  return seconds === null ? "an unknown time" : lasting(seconds);
}

interface RowsOf {
  of: ReportOut;
  kind: Kind;
  name: string | undefined;
}

function Rows({ of, kind, name }: RowsOf) {
  const rows = of.rows.filter(
    (each) => !name || (each.name ?? "").toLowerCase().includes(name.toLowerCase()),
  );
  const [worst, slowest] = [of.worst[0], of.slowest[0]];
  const seconds = (each: number | null) => (each === null ? "–" : lasting(each));
  return (
    <Part title={KINDS.find((each) => each.value === kind)?.label ?? kind}>
      {rows.length ? (
        <Sorted<ComparedOut>
          label={`Figures by ${kind}`}
          rows={rows}
          keyOf={(each) => each.name ?? ""}
          usual="-jobs"
          width={820}
          columns={[
            {
              key: "name",
              name: "Name",
              by: (each) => each.name,
              of: (each) => (
                <Group gap={6} wrap="nowrap">
                  <Named kind={kind} name={each.name} />
                  {each.failed > 0 && worst === each.name && (
                    <Badge size="xs" color="red" variant="light" tt="none">
                      fails most
                    </Badge>
                  )}
                  {slowest === each.name && (
                    <Badge size="xs" color="gray" variant="light" tt="none">
                      slowest
                    </Badge>
                  )}
                </Group>
              ),
            },
            {
              key: "jobs",
              name: "Jobs",
              isNumber: true,
              by: (each) => each.completed + each.failed,
              of: (each) => count(each.completed + each.failed),
            },
            {
              key: "success",
              name: "Success",
              isNumber: true,
              by: (each) => each.success_rate,
              of: (each) => percent(each.success_rate),
            },
            {
              key: "failed",
              name: "Failed",
              isNumber: true,
              by: (each) => each.failed,
              of: (each) => count(each.failed),
            },
            {
              key: "p50",
              name: "p50",
              isNumber: true,
              by: (each) => each.p50_s,
              of: (each) => seconds(each.p50_s),
            },
            {
              key: "p95",
              name: "p95",
              isNumber: true,
              by: (each) => each.p95_s,
              of: (each) => seconds(each.p95_s),
            },
            {
              key: "trend",
              name: "Beside before",
              isNumber: true,
              by: (each) => each.trend.rate_points,
              of: (each) => (
                <Text size="sm" span c={isWorse(each.trend) ? "red" : undefined}>
                  {each.trend.rate_points === null && each.trend.p95_ratio === null
                    ? "–"
                    : `${points(each.trend.rate_points)} · p95 ${times(each.trend.p95_ratio)}`}
                </Text>
              ),
            },
          ]}
        />
      ) : (
        <Nothing title={name ? "None is called so" : "Nothing ended in this time"}>
          {name && (
            <Going to="/reports" search={{ kind }}>
              Show all
            </Going>
          )}
        </Nothing>
      )}
      {of.is_cut && (
        <Text size="xs" c="dimmed">
          Those with the most jobs; there are more.
        </Text>
      )}
    </Part>
  );
}

function Named({ kind, name }: { kind: Kind; name: string | null }) {
  if (name === null) {
    return (
      <Text size="sm" c="dimmed">
        one that is gone
      </Text>
    );
  }
  if (kind === "schedule") {
    return (
      <Going to="/schedules/$" params={{ _splat: name }} size="sm">
        {name}
      </Going>
    );
  }
  return (
    <Going to="/jobs" search={kind === "task" ? { task: name } : { queue: name }} size="sm">
      {name}
    </Going>
  );
}

function Failures({ of }: { of: ReportOut }) {
  const { groups, untold, looked_at, is_exact } = of.failures;
  return (
    <Part title="Failures by kind and place">
      {groups.length ? (
        <Listed<FailureGroupOut>
          label="Failures by kind and place"
          rows={groups}
          keyOf={(each) => each.fingerprint}
          width={820}
          columns={[
            { name: "Attempts", isNumber: true, of: (each) => count(each.number) },
            { name: "For good", isNumber: true, of: (each) => count(each.final) },
            {
              name: "Error",
              of: (each) => (
                <>
                  <Text size="sm" fw={550}>
                    {each.type}
                  </Text>
                  <div className="mono clip">{each.text ?? each.message}</div>
                  {each.place && (
                    <Text size="xs" c="dimmed">
                      {each.place}
                    </Text>
                  )}
                </>
              ),
            },
            {
              name: "Tasks",
              of: (each) =>
                Object.entries(each.tasks).map(([task, number]) => (
                  <div key={task}>
                    <Going to="/jobs" search={{ task, state: ["failed"] }} size="sm">
                      {task}
                    </Going>{" "}
                    <Text span size="xs" c="dimmed">
                      {count(number)}
                    </Text>
                  </div>
                )),
            },
            { name: "First", isNumber: true, of: (each) => <Moment at={each.first_at} /> },
            { name: "Last", isNumber: true, of: (each) => <Moment at={each.last_at} /> },
            {
              name: "",
              isNumber: true,
              of: (each) => (
                <Going to="/jobs/$job" params={{ job: each.example }} size="sm">
                  the last one
                </Going>
              ),
            },
          ]}
        />
      ) : (
        <Nothing title="Nothing failed" />
      )}
      {(untold > 0 || !is_exact) && (
        <Text size="xs" c="dimmed">
          {untold > 0 && `${count(untold)} more kinds. `}
          {!is_exact && `Of the newest ${count(looked_at)} failures.`}
        </Text>
      )}
    </Part>
  );
}

function Unusual({ kind }: { kind: Kind }) {
  const found = useQuery({
    queryKey: ["jobs", "anomalies", kind],
    queryFn: () => told(healthAnomalies({ query: { kind, limit: 500 } })),
  });
  return (
    <Part title="Not as usual">
      <Shown of={found}>
        {({ data, judged_to }) => {
          const told_of = data.flatMap(({ name, anomalies, predictions }) => [
            ...anomalies.map(({ text, measure }) => ({ name, text, measure, will: false })),
            ...predictions.map(({ text, measure }) => ({ name, text, measure, will: true })),
          ]);
          return told_of.length ? (
            <Stack gap={6}>
              {told_of.map(({ name, text, measure, will }) => (
                <Group key={`${name} ${measure} ${will}`} gap="xs" wrap="nowrap" align="flex-start">
                  <Badge color={will ? "blue" : "yellow"} variant="light" radius="sm" tt="none">
                    {will ? "will be" : measure}
                  </Badge>
                  <Text size="sm">
                    <Named kind={kind} name={name} /> {text}
                  </Text>
                </Group>
              ))}
            </Stack>
          ) : (
            <Nothing title="All is as usual">
              {judged_to ? (
                <>
                  Beside the same hours of 28 days, up to <Moment at={judged_to} />.
                </>
              ) : (
                "Nothing was counted yet."
              )}
            </Nothing>
          );
        }}
      </Shown>
    </Part>
  );
}

function Objectives({ kind }: { kind: Kind }) {
  const list = useQuery({
    queryKey: ["objectives"],
    queryFn: () => told(objectivesList()),
    refetchInterval: 30_000,
  });
  return (
    <Part title="Objectives">
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <Listed<ObjectiveOut>
              label="Objectives"
              rows={data}
              keyOf={(each) => each.subject}
              width={520}
              columns={[
                {
                  name: "Of",
                  of: (each) => (
                    <>
                      <Text size="xs" c="dimmed" span>
                        {each.kind}{" "}
                      </Text>
                      <Named kind={each.kind} name={each.name} />
                    </>
                  ),
                },
                {
                  name: "Is to complete",
                  isNumber: true,
                  of: (each) => `${percent(each.target)} of ${each.window}`,
                },
                { name: "Budget left", isNumber: true, of: (each) => <Budget of={each} /> },
                {
                  name: "Used up, 1 h",
                  isNumber: true,
                  of: (each) =>
                    each.burn_rate_1h === null ? "–" : `${each.burn_rate_1h.toFixed(1)}×`,
                },
                {
                  name: "",
                  isNumber: true,
                  of: (each) => (
                    <Act
                      name="Remove"
                      needs="queues:manage"
                      size="compact-xs"
                      reads={["objectives", "jobs"]}
                      asks={`The default holds again of ${each.subject}.`}
                      does={() => told(objectivesRemove({ path: { subject: each.subject } }))}
                    />
                  ),
                },
              ]}
            />
          ) : (
            <Text size="sm" c="dimmed">
              Nobody has set one: say which part of the jobs is to complete.
            </Text>
          )
        }
      </Shown>
      <SetObjective key={kind} kind={kind} />
    </Part>
  );
}

function Budget({ of }: { of: ObjectiveOut }) {
  const share = of.left_share;
  return (
    <Tooltip label={`${count(of.failed)} failed of ${count(of.allowed)} that may`}>
      <Text size="sm" span c={of.is_met ? undefined : "red"} tabIndex={0}>
        {of.is_met ? "" : "overdrawn: "}
        {count(of.left)}
        {share === null ? "" : ` (${percent(share)})`}
      </Text>
    </Tooltip>
  );
}

function SetObjective({ kind }: { kind: Kind }) {
  const [of, setOf] = useState<string>(kind);
  const [name, setName] = useState("");
  const [target, setTarget] = useState("0.99");
  const [window, setWindow] = useState("30d");
  const may = useMay("queues:manage");
  const set = useAct({
    does: () =>
      told(
        objectivesSet({
          path: { subject: `${of}/${name.trim()}` },
          body: { target: Number(target), window: window.trim() || null },
        }),
      ),
    reads: ["objectives", "jobs"],
    after: () => setName(""),
    isShown: true,
  });
  const wrong = refusedAt(set.error);
  const named = wrong.subject ?? wrong.name ?? wrong[of];
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        set.mutate();
      }}
    >
      {set.error && !named && !wrong.target && !wrong.window && <Wrong error={set.error} />}
      <Group gap="xs" align="flex-start" mt="sm">
        <NativeSelect
          size="xs"
          label="Of a"
          data={["task", "schedule", "queue"]}
          value={of}
          onChange={(event) => setOf(event.currentTarget.value)}
        />
        <TextInput
          size="xs"
          label="Named"
          value={name}
          error={named}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          size="xs"
          w={90}
          label="Target"
          value={target}
          error={wrong.target}
          onChange={(event) => setTarget(event.currentTarget.value)}
        />
        <TextInput
          size="xs"
          w={90}
          label="Over"
          value={window}
          error={wrong.window}
          onChange={(event) => setWindow(event.currentTarget.value)}
        />
        <Tooltip label="You lack queues:manage" disabled={may}>
          <Button
            size="xs"
            mt={22}
            variant="default"
            type="submit"
            disabled={!may || !name.trim()}
            loading={set.isPending}
          >
            Set it
          </Button>
        </Tooltip>
      </Group>
    </form>
  );
}
