import "@mantine/core/styles/Progress.css";
import {
  Alert,
  Button,
  Card,
  Code,
  Grid,
  Group,
  Menu,
  Progress,
  Table,
  Tabs,
  Text,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Share2 } from "lucide-react";
import type { ReactNode } from "react";
import { told } from "../api";
import { base } from "../base";
import {
  jobsAttempts,
  jobsCancel,
  jobsGet,
  jobsRetry,
  jobsWhy,
  workflowsList,
} from "../client/sdk.gen";
import type { AttemptOut, JobOut, WorkflowOut } from "../client/types.gen";
import { Act } from "../parts/act";
import { commandFor, curlFor } from "../parts/asking";
import { Copy, copy } from "../parts/copying";
import { at, type Exact, exactly, Fields, seen } from "../parts/exact";
import { Going } from "../parts/going";
import { Json } from "../parts/json";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";
import { useMay } from "../session";
import { Attempts, History } from "./job_attempts";
import { JobLog } from "./job_log";

/** One job: what it is, why it stands as it does, and what was written while it ran. */
export function Job() {
  const { job: id } = useParams({ from: "/jobs/$job" });
  const found = useQuery({
    queryKey: ["jobs", id],
    queryFn: () => exactly(jobsGet({ path: { job: id }, parseAs: "text" })),
    // Of another job nothing stays while this one is read.
    placeholderData: undefined,
  });
  return (
    <Shown of={found}>
      {({ said, exact }) => <Found key={said.id} job={said} args={at(exact, "args") ?? null} />}
    </Shown>
  );
}

interface JobOf {
  job: JobOut;
  /** As they were written. */
  args: Exact;
}

function Found({ job, args }: JobOf) {
  return (
    <Page
      title={seen(job.task)}
      beside={<StateBadge of={job.state} />}
      actions={<Actions job={job} args={args} />}
    >
      <Group gap={4}>
        <Text className="mono" c="dimmed">
          {job.id}
        </Text>
        <Copy text={job.id} name="Copy the id" />
      </Group>
      <Why job={job} />
      <Come job={job} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Tellings job={job} args={args} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Facts job={job} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function Actions({ job, args }: JobOf) {
  const path = { job: job.id };
  const isOver = ["completed", "failed", "cancelled"].includes(job.state);
  const isRunning = job.state === "running";
  const navigate = useNavigate();
  return (
    <>
      <Act
        name={isOver || isRunning ? "Run again" : "Run now"}
        needs="jobs:manage"
        off={isRunning && "It runs."}
        done={isOver ? "It is run again." : "It is run as soon as it can be."}
        reads={["jobs"]}
        does={() => told(jobsRetry({ path }))}
      />
      <Opening
        name="Run another…"
        needs="jobs:enqueue"
        onClick={() => void navigate({ to: "/new/job", search: { from: job.id } })}
      />
      <Act
        name="Cancel"
        needs="jobs:manage"
        color="red"
        asks={
          isRunning ? (
            <>It is asked to stop, and stops where it looks whether it should.</>
          ) : undefined
        }
        off={(isOver && "It is over.") || (job.stop_asked !== null && "It was asked to stop.")}
        done="It was asked to stop."
        reads={["jobs"]}
        does={() => told(jobsCancel({ path, body: { reason: "by hand" } }))}
      />
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="xs" variant="default" leftSection={<Share2 size={13} aria-hidden />}>
            Share
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => void copy(window.location.href)}>Copy the link</Menu.Item>
          <Menu.Item onClick={() => void copy(commandFor(job, args))}>
            Copy as a command line
          </Menu.Item>
          <Menu.Item onClick={() => void copy(curlFor(job, args, base.href))}>
            Copy as curl
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
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
  if (job.state === "completed") return null;
  return (
    <>
      {why.data?.data.map((reason) => (
        <Alert
          key={reason.code + reason.what}
          color={job.state === "failed" ? "red" : "blue"}
          p="xs"
        >
          <Text size="sm" className="lines">
            {reason.what.replace(/[^\t\n]+/g, seen)}
          </Text>
          {reason.remedy && <Code className="lines">{seen(reason.remedy)}</Code>}
        </Alert>
      ))}
    </>
  );
}

/** How far it says it has come. */
function Come({ job }: { job: JobOut }) {
  if (job.progress === null && !job.note) return null;
  const share = Math.round((job.progress ?? 0) * 100);
  return (
    <div>
      {job.progress !== null && (
        <Progress value={share} aria-label="How far it has come" color="indigo" />
      )}
      <Text size="sm">
        {job.progress !== null && `${share} %`} {job.note && seen(job.note)}
      </Text>
    </div>
  );
}

/** The workflow that a job belongs to, if it does. */
function useWorkflow(job: string): WorkflowOut | undefined {
  const found = useQuery({
    queryKey: ["workflows", "of", job],
    queryFn: () => told(workflowsList({ query: { job, limit: 1 } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return found.data?.data[0];
}

function Facts({ job }: { job: JobOut }) {
  const workflow = useWorkflow(job.id);
  const facts: [string, ReactNode][] = [
    [
      "Queue",
      <Going size="sm" to="/jobs" search={{ queue: job.queue }} key="l">
        {seen(job.queue)}
      </Going>,
    ],
    ["Priority", job.priority],
    ["Attempt", `${job.attempt} of ${job.max_attempts}`],
    ["Asked", <Moment at={job.created_at} key="t" />],
    ["Due", <Moment at={job.due_at} key="t" />],
    ["Began", <Moment at={job.started_at} key="t" />],
    ["Ended", <Moment at={job.finished_at} key="t" />],
    ["Ends by itself", job.expires_at && <Moment at={job.expires_at} key="t" />],
    [
      "Schedule",
      job.schedule && (
        <Going size="sm" to="/schedules/$" params={{ _splat: job.schedule }} key="l">
          {seen(job.schedule)}
        </Going>
      ),
    ],
    ["Its moment", job.occurrence_at && <Moment at={job.occurrence_at} key="t" />],
    ["Now called", job.runs_as && seen(job.runs_as)],
    ["Owner", job.owner && seen(job.owner)],
    [
      "Tags",
      job.tags.length > 0 &&
        job.tags.map((tag) => (
          <Going size="sm" to="/jobs" search={{ tag }} key={tag} mr={6}>
            #{seen(tag)}
          </Going>
        )),
    ],
    [
      "Workflow",
      workflow && (
        <Going size="sm" to="/workflows/$workflow" params={{ workflow: workflow.id }} key="l">
          {seen(workflow.name)}
        </Going>
      ),
    ],
    [
      "Its like",
      <Going size="sm" to="/jobs" search={{ task: job.task }} key="l">
        jobs of this task
      </Going>,
    ],
  ];
  return (
    <Card withBorder padding="xs">
      <Table withRowBorders={false} verticalSpacing={3} aria-label="Facts">
        <Table.Tbody>
          {facts
            .filter(([, value]) => value !== null && value !== undefined && value !== false)
            .map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th c="dimmed" fw={400}>
                  {name}
                </Table.Th>
                <Table.Td className="lines" fz="sm">
                  {value}
                </Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}

const TABS = ["log", "attempts", "args", "result", "history"];

function Tellings({ job, args }: JobOf) {
  const { tab } = useSearch({ from: "/jobs/$job" });
  const navigate = useNavigate({ from: "/jobs/$job" });
  const attempts = useQuery({
    queryKey: ["jobs", job.id, "attempts"],
    queryFn: () => exactly(jobsAttempts({ path: { job: job.id }, parseAs: "text" })),
  });
  const first = job.state === "failed" ? "attempts" : "log";
  return (
    <Tabs
      value={tab && TABS.includes(tab) ? tab : first}
      onChange={(to) => void navigate({ search: { tab: to ?? undefined }, replace: true })}
      keepMounted={false}
    >
      <Tabs.List mb="xs">
        <Tabs.Tab value="log">Log</Tabs.Tab>
        <Tabs.Tab value="attempts">Attempts</Tabs.Tab>
        <Tabs.Tab value="args">Arguments</Tabs.Tab>
        <Tabs.Tab value="result">Result</Tabs.Tab>
        <Tabs.Tab value="history">History</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="log">
        <JobLog job={job} />
      </Tabs.Panel>
      <Tabs.Panel value="args">
        <Args args={args} />
      </Tabs.Panel>
      {["attempts", "result", "history"].map((value) => (
        <Tabs.Panel key={value} value={value}>
          <Shown of={attempts}>
            {({ said, exact }) => <Of panel={value} job={job} attempts={said.data} exact={exact} />}
          </Shown>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

interface PanelOf {
  panel: string;
  job: JobOut;
  attempts: AttemptOut[];
  exact: Exact;
}

function Of({ panel, job, attempts, exact }: PanelOf) {
  if (panel === "history") return <History job={job} attempts={attempts} />;
  if (panel === "result") {
    const result = at(exact, "data", attempts.length - 1, "result");
    if (result != null) return <Json value={result} label="result" />;
    return (
      <Nothing title="There is no result">It has not ended well, or gave nothing back.</Nothing>
    );
  }
  return (
    <>
      <Alike job={job} last={attempts.at(-1)} />
      <Attempts job={job} attempts={attempts} exact={exact} />
    </>
  );
}

/** Others of the task that failed with the same kind of error. */
function Alike({ job, last }: { job: JobOut; last: AttemptOut | undefined }) {
  if (job.state !== "failed" || !last?.error) return null;
  const { type } = last.error;
  return (
    <Text size="sm" mb="xs">
      <Going to="/jobs" search={{ state: ["failed"], task: job.task, error: type }}>
        Jobs of this task that failed with {seen(type)}
      </Going>
    </Text>
  );
}

function Args({ args }: { args: Exact }) {
  const may = useMay("jobs:arguments");
  if (!may) return <Nothing title="Not for you">You lack jobs:arguments.</Nothing>;
  if (args === null) return <Nothing title="What is on record cannot be read" />;
  if (args instanceof Fields && !args.entries.length) return <Nothing title="It has none" />;
  return <Json value={args} label="arguments" />;
}
