import { Alert, Badge, Card, Code, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { told } from "../api";
import {
  healthList,
  limitsList,
  queuesList,
  queuesLoad,
  queuesPause,
  queuesResume,
  tasksList,
  workersList,
} from "../client/sdk.gen";
import type { FareOut, LoadOut, QueueOut, WorkerOut } from "../client/types.gen";
import { Act } from "../parts/act";
import { BoundsForm, bounds } from "../parts/bounds";
import { Facts } from "../parts/facts";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";
import { lasting, Moment } from "../parts/time";
import { Unfold } from "../parts/unfold";

/** Where jobs wait, and whether somebody takes them. */
export function Queues() {
  const [{ queue }, seek] = useSought();
  const list = useQuery({ queryKey: ["queues"], queryFn: () => told(queuesList()) });
  const workers = useQuery({ queryKey: ["workers"], queryFn: () => told(workersList()) });
  const fares = useQuery({
    queryKey: ["health", "queues"],
    queryFn: () => told(healthList({ query: { kind: "queue", window: "1h", limit: 200 } })),
    refetchInterval: 30_000,
  });
  return (
    <Page title="Queues">
      <Shown of={list}>
        {({ data }) => (
          <>
            {queue && <Detail name={queue} of={data.find((each) => each.name === queue)} />}
            {data.length ? (
              <Listed
                label="Queues"
                width={820}
                rows={data}
                keyOf={(each) => each.name}
                columns={[
                  {
                    name: "Queue",
                    of: (each) => (
                      <Name
                        of={each}
                        workers={workers.data?.data}
                        isShown={each.name === queue}
                        show={(to) => seek({ queue: to })}
                      />
                    ),
                  },
                  { name: "Pending", isNumber: true, of: (each) => counted(each, each.pending) },
                  { name: "Running", isNumber: true, of: (each) => counted(each, each.running) },
                  { name: "Later", isNumber: true, of: (each) => counted(each, each.delayed) },
                  {
                    name: "Oldest waits since",
                    isNumber: true,
                    of: (each) => <Moment at={each.oldest_at} />,
                  },
                  {
                    name: "Failed in 1 h",
                    isNumber: true,
                    of: (each) => failed(fares.data?.data.find((fare) => fare.name === each.name)),
                  },
                  { name: "Workers / needed", isNumber: true, of: (each) => <Needed of={each} /> },
                  { name: "Do", isNumber: true, of: (each) => <Turn of={each} /> },
                ]}
              />
            ) : (
              <Nothing title="No queue has had a job">
                The first job that is asked for makes its queue.
              </Nothing>
            )}
          </>
        )}
      </Shown>
    </Page>
  );
}

function counted(of: QueueOut, count: number): string {
  return `${count.toLocaleString("en")}${count >= of.count_limit ? "+" : ""}`;
}

function failed(fare: FareOut | undefined): string {
  const of = fare?.window;
  const ended = of ? of.completed + of.failed : 0;
  return of && ended ? `${((of.failed / ended) * 100).toFixed(1)} %` : "–";
}

function serves(worker: WorkerOut, queue: string): boolean {
  return worker.queues.includes(queue);
}

interface NameOf {
  of: QueueOut;
  workers: WorkerOut[] | undefined;
  isShown: boolean;
  show: (queue: string | undefined) => void;
}

function Name({ of, workers, isShown, show }: NameOf) {
  const serving = workers?.filter((each) => serves(each, of.name));
  const ready = serving?.filter((each) => !each.paused && !each.draining);
  return (
    <div>
      <Group gap="xs" wrap="nowrap">
        <Unfold
          name={of.name}
          isShown={isShown}
          toggle={() => show(isShown ? undefined : of.name)}
        />
        {serving?.length === 0 && (
          <Badge color={of.pending ? "red" : "gray"} variant="light" radius="sm" tt="none">
            no worker
          </Badge>
        )}
        {serving?.length !== 0 && ready?.length === 0 && (
          <Badge color="yellow" variant="light" radius="sm" tt="none">
            all its workers rest
          </Badge>
        )}
      </Group>
      {of.paused_at && (
        <Text size="xs" c="yellow">
          paused by {of.paused_by}, <Moment at={of.paused_at} />
        </Text>
      )}
    </div>
  );
}

function useLoad(name: string) {
  return useQuery({
    queryKey: ["queues", "load", name],
    queryFn: () => told(queuesLoad({ path: { name } })),
  });
}

/** How many serve it, of how many it needs to begin within a minute all that waits. */
function Needed({ of }: { of: QueueOut }) {
  const load = useLoad(of.name).data;
  if (!load) return "…";
  return (
    <Text span size="sm" c={load.needed_workers > load.workers ? "red" : undefined}>
      {load.workers} / {load.needed_workers}
    </Text>
  );
}

function Turn({ of }: { of: QueueOut }) {
  return (
    <Act
      name={of.paused_at ? "Resume" : "Pause"}
      needs="queues:manage"
      size="compact-xs"
      reads={["queues"]}
      done={`${of.name} is ${of.paused_at ? "resumed" : "paused"}.`}
      does={() => told((of.paused_at ? queuesResume : queuesPause)({ path: { name: of.name } }))}
    />
  );
}

/** One queue: how loaded it is, who serves it, what its jobs are, and what bounds it. */
function Detail({ name, of }: { name: string; of: QueueOut | undefined }) {
  const load = useLoad(name);
  return (
    <Card withBorder padding="sm" component="section" aria-label={`Queue ${name}`}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          Queue {name}
        </Title>
        <Group gap="sm">
          <Going to="/jobs" search={{ queue: name }} size="sm">
            All its jobs
          </Going>
          <Going to="/jobs" search={{ queue: name, state: ["failed"] }} size="sm">
            Those that failed
          </Going>
        </Group>
      </Group>
      <Stack gap="md">
        {of?.paused_at && (
          <Alert color="yellow" p="xs">
            It was paused by {of.paused_by}, <Moment at={of.paused_at} />: none of its jobs begins
            until it is resumed.
          </Alert>
        )}
        {!of && <Text size="sm">Nobody has used it yet.</Text>}
        <Shown of={load}>{(found) => <LoadFacts of={found} />}</Shown>
        <SimpleGrid cols={{ base: 1, md: 3 }}>
          <Bound name={name} />
          <Serving name={name} />
          <ItsTasks name={name} />
        </SimpleGrid>
      </Stack>
    </Card>
  );
}

function LoadFacts({ of }: { of: LoadOut }) {
  return (
    <Facts
      cols={5}
      of={[
        ["Workers that take its jobs", of.workers],
        [`Workers to begin all in ${of.within_s} s`, of.needed_workers],
        ["Slots of those workers", of.slots],
        ["Slots that it needs", of.needed_slots],
        ["A job takes on average", of.mean_s === null ? "none ended in 1 h" : lasting(of.mean_s)],
      ]}
    />
  );
}

function Bound({ name }: { name: string }) {
  const limit = `queue/${name}`;
  const [isOpen, setOpen] = useState(false);
  const limits = useQuery({ queryKey: ["limits"], queryFn: () => told(limitsList()) });
  const found = limits.data?.data.find((each) => each.name === limit);
  return (
    <section>
      <Title order={3} size="h6">
        Its limit
      </Title>
      <Text size="sm" mb={4}>
        {found ? `${bounds(found)}; ${found.held} run under it, ${found.waiting} wait` : "None"}
      </Text>
      <Group gap="xs">
        <Opening
          name={found ? "Change the limit" : "Set a limit"}
          needs="queues:manage"
          size="compact-xs"
          onClick={() => setOpen(true)}
        />
        <Going to="/limits" size="sm">
          All limits
        </Going>
      </Group>
      {isOpen && <BoundsForm name={limit} now={found} isOpen close={() => setOpen(false)} />}
    </section>
  );
}

function Serving({ name }: { name: string }) {
  const workers = useQuery({ queryKey: ["workers"], queryFn: () => told(workersList()) });
  const found = workers.data?.data.filter((each) => serves(each, name)) ?? [];
  return (
    <section>
      <Title order={3} size="h6">
        Workers that serve it
      </Title>
      {found.map((each) => (
        <Text key={each.session} size="sm">
          {each.instance}: {each.running} of {each.concurrency} slots
          {each.paused ? ", paused" : ""}
          {each.draining ? ", ends" : ""}
        </Text>
      ))}
      {!found.length && (
        <Text size="sm" c="dimmed">
          None: <Code>onbeat worker --queues {name}</Code>
        </Text>
      )}
    </section>
  );
}

function ItsTasks({ name }: { name: string }) {
  const tasks = useQuery({ queryKey: ["workers", "tasks"], queryFn: () => told(tasksList()) });
  const found = tasks.data?.data.filter((each) => each.queue === name) ?? [];
  return (
    <section>
      <Title order={3} size="h6">
        Tasks that go to it
      </Title>
      {found.map((each) => (
        <div key={each.name}>
          <Going to="/jobs" search={{ queue: name, task: each.name }} size="sm">
            {each.name}
          </Going>
        </div>
      ))}
      {!found.length && (
        <Text size="sm" c="dimmed">
          None that this server knows of.
        </Text>
      )}
    </section>
  );
}
