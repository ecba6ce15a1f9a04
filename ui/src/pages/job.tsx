import { Alert, Badge, Card, Code, Grid, Table, Tabs, Text, Timeline } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { told } from "../api";
import { jobsAttempts, jobsCancel, jobsGet, jobsLog, jobsRetry, jobsWhy } from "../client/sdk.gen";
import type { AttemptOut, JobOut } from "../client/types.gen";
import { Act } from "../parts/act";
import { Page } from "../parts/page";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { lasting, Moment } from "../parts/time";

/** One job: what it is, why it stands as it does, and what was written while it ran. */
export function Job() {
  const { job: id } = useParams({ from: "/jobs/$job" });
  const found = useQuery({
    queryKey: ["jobs", id],
    queryFn: () => told(jobsGet({ path: { job: id } })),
  });
  return <Shown of={found}>{(job) => <Found job={job} />}</Shown>;
}

function Found({ job }: { job: JobOut }) {
  return (
    <Page title={job.task} beside={<StateBadge of={job.state} />} actions={<Actions job={job} />}>
      <Text className="mono" c="dimmed">
        {job.id}
      </Text>
      <Why job={job} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Tellings job={job} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Facts job={job} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function Actions({ job }: { job: JobOut }) {
  const path = { job: job.id };
  const isOver = ["completed", "failed", "cancelled"].includes(job.state);
  return (
    <>
      <Act
        name="Run again"
        needs="jobs:manage"
        off={!isOver && "It is not over yet."}
        done="It is run again."
        reads={["jobs"]}
        does={() => told(jobsRetry({ path }))}
      />
      <Act
        name="Cancel"
        needs="jobs:manage"
        color="red"
        off={isOver && "It is over."}
        done="It was asked to stop."
        reads={["jobs"]}
        does={() => told(jobsCancel({ path, body: { reason: "by hand" } }))}
      />
    </>
  );
}

function Why({ job }: { job: JobOut }) {
  const why = useQuery({
    queryKey: ["jobs", job.id, "why", job.state],
    queryFn: () => told(jobsWhy({ path: { job: job.id } })),
    enabled: job.state !== "completed",
  });
  if (why.error) return <Wrong error={why.error} />;
  return (
    <>
      {why.data?.data.map((reason) => (
        <Alert
          key={reason.code + reason.what}
          color={job.state === "failed" ? "red" : "blue"}
          p="xs"
        >
          <Text size="sm">{reason.what}</Text>
          {reason.remedy && <Code>{reason.remedy}</Code>}
        </Alert>
      ))}
    </>
  );
}

function Facts({ job }: { job: JobOut }) {
  const facts: [string, React.ReactNode][] = [
    ["Queue", job.queue],
    ["Priority", job.priority],
    ["Attempt", `${job.attempt} of ${job.max_attempts}`],
    ["Asked", <Moment at={job.created_at} key="t" />],
    ["Due", <Moment at={job.due_at} key="t" />],
    ["Began", <Moment at={job.started_at} key="t" />],
    ["Ended", <Moment at={job.finished_at} key="t" />],
    ["Schedule", job.schedule ?? "–"],
    ["Owner", job.owner ?? "–"],
    [
      "Tags",
      job.tags.length
        ? job.tags.map((tag) => (
            <Badge key={tag} variant="default" radius="sm" tt="none" mr={4}>
              {tag}
            </Badge>
          ))
        : "–",
    ],
  ];
  return (
    <Card withBorder padding="xs">
      <Table withRowBorders={false} verticalSpacing={3}>
        <Table.Tbody>
          {facts.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th c="dimmed" fw={400}>
                {name}
              </Table.Th>
              <Table.Td>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}

function Tellings({ job }: { job: JobOut }) {
  const attempts = useQuery({
    queryKey: ["jobs", job.id, "attempts"],
    queryFn: () => told(jobsAttempts({ path: { job: job.id } })),
  });
  const log = useQuery({
    queryKey: ["jobs", job.id, "log"],
    queryFn: () => told(jobsLog({ path: { job: job.id } })),
  });
  return (
    <Tabs defaultValue={job.state === "failed" ? "attempts" : "log"} keepMounted={false}>
      <Tabs.List mb="xs">
        <Tabs.Tab value="log">Log</Tabs.Tab>
        <Tabs.Tab value="attempts">Attempts</Tabs.Tab>
        <Tabs.Tab value="args">Arguments</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="log">
        <Shown of={log}>
          {({ data }) =>
            data.length ? (
              <pre className="text mono" role="log">
                {data.map(
                  (line) =>
                    `${line.at.slice(11, 23)} ${line.level.padEnd(7)} ${line.message}${Object.keys(line.fields).length ? ` ${JSON.stringify(line.fields)}` : ""}\n`,
                )}
              </pre>
            ) : (
              <Nothing title="Nothing was written">
                A task writes with run.log, print or logging.
              </Nothing>
            )
          }
        </Shown>
      </Tabs.Panel>
      <Tabs.Panel value="attempts">
        <Shown of={attempts}>
          {({ data }) =>
            data.length ? (
              <Timeline bulletSize={14} lineWidth={2} active={data.length}>
                {data.map((each) => (
                  <Attempt key={each.attempt + each.started_at} of={each} />
                ))}
              </Timeline>
            ) : (
              <Nothing title="It was never begun" />
            )
          }
        </Shown>
      </Tabs.Panel>
      <Tabs.Panel value="args">
        <pre className="text mono">{JSON.stringify(job.args, null, 2)}</pre>
      </Tabs.Panel>
    </Tabs>
  );
}

function Attempt({ of }: { of: AttemptOut }) {
  return (
    <Timeline.Item title={`Attempt ${of.attempt}: ${of.outcome}`}>
      <Text size="xs" c="dimmed">
        <Moment at={of.started_at} />, took {lasting(of.duration_s)}
      </Text>
      {of.reason && <Text size="sm">{of.reason}</Text>}
      {of.error && (
        <>
          <Text size="sm" c="red" fw={550}>
            {of.error.class ?? of.error.type}: {of.error.message}
          </Text>
          {of.error.traceback && <pre className="text mono">{of.error.traceback}</pre>}
        </>
      )}
      {of.result != null && <pre className="text mono">{JSON.stringify(of.result, null, 2)}</pre>}
    </Timeline.Item>
  );
}
