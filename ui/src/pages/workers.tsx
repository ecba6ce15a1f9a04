import { Badge, Code, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import {
  regionsList,
  servicesAct,
  servicesList,
  workersJobs,
  workersList,
} from "../client/sdk.gen";
import type {
  ServiceAction as Action,
  ActionOut,
  HeldOut,
  RegionOut,
  ServiceOut,
  WorkerOut,
} from "../client/types.gen";
import { Act } from "../parts/act";
import { Facts } from "../parts/facts";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { Page } from "../parts/page";
import { SERVICES } from "../parts/services";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";
import { Tabbed } from "../parts/tabbed";
import { lasting, Moment, useNow } from "../parts/time";
import { Unfold } from "../parts/unfold";

const OFTEN = 5_000;

/** Who runs jobs, what else is at work, and how each region is. */
export function Workers() {
  return (
    <Page title="Workers">
      <Tabbed
        label="Who is at work"
        tabs={[
          { value: "workers", name: "Workers", shows: () => <AllWorkers /> },
          { value: "services", name: "Services", shows: () => <Services /> },
          { value: "regions", name: "Regions", shows: () => <Regions /> },
        ]}
      />
    </Page>
  );
}

/** What came of what was asked, in words; what is refused is an error. */
function came(of: ActionOut): string {
  const refused = of.services.find((each) => each.came === "refused");
  if (refused) throw new Error(`${refused.id}: ${refused.error ?? "it cannot be done"}`);
  const waits = of.services.filter((each) => each.came === "wished").map((each) => each.id);
  if (waits.length) return `${waits.join(", ")} will do it as soon as its process hears of it.`;
  return `Done: ${of.services.map((each) => `${each.id} ${each.action}`).join(", ")}.`;
}

interface ServiceActOf {
  id: string;
  action: Action;
  name: string;
  asks?: string;
  off?: string | false;
}

function ServiceAct({ id, action, name, asks, off }: ServiceActOf) {
  return (
    <Act
      name={name}
      needs="services:manage"
      size="compact-xs"
      asks={asks}
      off={off}
      reads={["workers"]}
      does={async () => came(await told(servicesAct({ body: { action, id } })))}
      done={(made) => made as string}
    />
  );
}

function AllWorkers() {
  const [{ worker }, seek] = useSought();
  const list = useQuery({
    queryKey: ["workers"],
    queryFn: () => told(workersList()),
    refetchInterval: OFTEN,
  });
  const held = useQuery({
    queryKey: ["workers", "jobs"],
    queryFn: () => told(workersJobs()),
    refetchInterval: OFTEN,
  });
  return (
    <Shown of={list}>
      {({ data }) =>
        data.length ? (
          <>
            <Listed
              label="Workers"
              width={960}
              rows={data}
              keyOf={(each) => each.session}
              columns={[
                {
                  name: "Worker",
                  of: (each) => (
                    <WorkerName
                      of={each}
                      isShown={each.session === worker}
                      show={(to) => seek({ worker: to })}
                    />
                  ),
                },
                { name: "State", of: (each) => <WorkerState of={each} /> },
                { name: "Queues", of: (each) => each.queues.join(", ") },
                {
                  name: "Slots",
                  isNumber: true,
                  of: (each) => `${each.running} / ${each.concurrency}`,
                },
                { name: "Version", of: (each) => each.version || "–" },
                { name: "Region", of: (each) => each.region ?? "–" },
                { name: "Since", isNumber: true, of: (each) => <Moment at={each.started_at} /> },
                {
                  name: "Heard of",
                  isNumber: true,
                  of: (each) => <Moment at={each.heartbeat_at} />,
                },
                { name: "Do", isNumber: true, of: (each) => <WorkerActs of={each} /> },
              ]}
            />
            {data
              .filter((each) => each.session === worker)
              .map((each) => (
                <Running
                  key={each.session}
                  worker={each}
                  jobs={held.data?.data.filter((job) => job.session === each.session)}
                />
              ))}
          </>
        ) : (
          <Nothing title="No worker is at work">
            Start one: <Code>onbeat worker</Code> or <Code>onbeat up</Code>.
          </Nothing>
        )
      }
    </Shown>
  );
}

interface WorkerNameOf {
  of: WorkerOut;
  isShown: boolean;
  show: (session: string | undefined) => void;
}

function WorkerName({ of, isShown, show }: WorkerNameOf) {
  return (
    <div>
      <Unfold
        name={of.instance}
        isShown={isShown}
        toggle={() => show(isShown ? undefined : of.session)}
      />
      <Text size="xs" c="dimmed">
        {of.host}, pid {of.pid}
      </Text>
    </div>
  );
}

function WorkerState({ of }: { of: WorkerOut }) {
  const now = useNow();
  const isSilent = Date.parse(of.expires_at) < now;
  const [color, word] = isSilent
    ? ["red", "silent"]
    : of.draining
      ? ["yellow", "ends"]
      : of.paused
        ? ["yellow", "paused"]
        : ["green", "at work"];
  return (
    <Badge color={color} variant="light" radius="sm" tt="none">
      {word}
    </Badge>
  );
}

function WorkerActs({ of }: { of: WorkerOut }) {
  const id = of.service;
  if (!id)
    return (
      <Text size="xs" c="dimmed">
        its process takes no orders
      </Text>
    );
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      {of.paused ? (
        <ServiceAct id={id} action="resume" name="Resume" />
      ) : (
        <ServiceAct
          id={id}
          action="pause"
          name="Pause"
          asks={`${of.instance} claims no more jobs; the ${of.running} that it runs go on.`}
        />
      )}
      <ServiceAct
        id={id}
        action="stop"
        name="Stop"
        asks={`${of.instance} claims no more jobs, lets the ${of.running} that it runs end, and stops; its process goes on, and Services starts it again.`}
      />
    </Group>
  );
}

function Running({ worker, jobs }: { worker: WorkerOut; jobs: HeldOut[] | undefined }) {
  const now = useNow();
  return (
    <section aria-label={`What ${worker.instance} runs`}>
      <Text fw={600} size="sm">
        What {worker.instance} runs
      </Text>
      {jobs?.length ? (
        <Listed
          label={`Jobs of ${worker.instance}`}
          width={520}
          rows={jobs}
          keyOf={(each) => each.job}
          columns={[
            {
              name: "Job",
              of: (each) => (
                <Going to="/jobs/$job" params={{ job: each.job }} size="sm" className="mono">
                  {each.job}
                </Going>
              ),
            },
            { name: "Task", of: (each) => each.task },
            { name: "Queue", of: (each) => each.queue },
            { name: "Attempt", isNumber: true, of: (each) => each.attempt },
            {
              name: "For",
              isNumber: true,
              of: (each) => lasting(Math.max(0, now - Date.parse(each.started_at)) / 1000),
            },
          ]}
        />
      ) : (
        <Text size="sm" c="dimmed">
          Nothing just now.
        </Text>
      )}
    </section>
  );
}

const COLORS: Record<string, string> = {
  RUNNING: "green",
  ERROR: "red",
  PAUSED: "yellow",
  STARTING: "blue",
  STOPPED: "gray",
};

function Services() {
  const list = useQuery({
    queryKey: ["workers", "services"],
    queryFn: () => told(servicesList()),
    refetchInterval: OFTEN,
  });
  return (
    <Stack gap="sm">
      <Shown of={list}>
        {({ data }) => (
          <>
            {!data.some((each) => each.kind === "scheduler" && each.status === "RUNNING") && (
              <Text size="sm" c="red" fw={550}>
                No scheduler runs: nothing that is scheduled becomes a job. Start one:{" "}
                <Code>onbeat scheduler</Code>
              </Text>
            )}
            {data.length ? (
              <Listed
                label="Services"
                width={960}
                rows={data}
                keyOf={(each) => each.id}
                columns={[
                  {
                    name: "Service",
                    of: (each) => (
                      <>
                        <Text size="sm">{each.name}</Text>
                        <Text size="xs" c="dimmed">
                          {SERVICES[each.kind] && `${SERVICES[each.kind]} · `}
                          {each.process.host}, pid {each.process.pid}
                        </Text>
                      </>
                    ),
                  },
                  { name: "State", of: (each) => <ServiceState of={each} /> },
                  { name: "Steps", isNumber: true, of: (each) => each.runs.toLocaleString("en") },
                  {
                    name: "Failed",
                    isNumber: true,
                    of: (each) => each.failures.toLocaleString("en"),
                  },
                  {
                    name: "A step takes",
                    isNumber: true,
                    of: (each) =>
                      each.mean_duration_s === null ? "–" : lasting(each.mean_duration_s),
                  },
                  {
                    name: "Last success",
                    isNumber: true,
                    of: (each) => <Moment at={each.last_success_at} />,
                  },
                  { name: "Do", isNumber: true, of: (each) => <ServiceActs of={each} /> },
                ]}
              />
            ) : (
              <Nothing title="No process is heard of">
                Start one: <Code>onbeat up</Code>.
              </Nothing>
            )}
          </>
        )}
      </Shown>
    </Stack>
  );
}

function ServiceState({ of }: { of: ServiceOut }) {
  return (
    <>
      <Badge color={COLORS[of.status] ?? "gray"} variant="light" radius="sm" tt="none">
        {of.status.toLowerCase()}
        {of.draining ? ", ends" : ""}
      </Badge>
      {of.last_error && (
        <Text size="xs" c="red" className="clip" title={of.last_error}>
          {of.last_error}
        </Text>
      )}
    </>
  );
}

function ServiceActs({ of }: { of: ServiceOut }) {
  const isStopped = of.status === "STOPPED";
  const isApi = of.kind === "api" && "What answers you cannot be paused or stopped from here.";
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      {of.status === "PAUSED" ? (
        <ServiceAct id={of.id} action="resume" name="Resume" />
      ) : (
        <ServiceAct
          id={of.id}
          action="pause"
          name="Pause"
          off={isApi || (isStopped && "It is stopped.")}
          asks={`${of.id} rests until it is resumed.`}
        />
      )}
      {isStopped ? (
        <ServiceAct id={of.id} action="start" name="Start" />
      ) : (
        <ServiceAct
          id={of.id}
          action="stop"
          name="Stop"
          off={isApi}
          asks={`${of.id} ends what it is at, and stops until it is started again.`}
        />
      )}
      <ServiceAct
        id={of.id}
        action="restart"
        name="Restart"
        off={isApi}
        asks={`${of.id} ends what it is at, and starts anew.`}
      />
    </Group>
  );
}

function Regions() {
  const list = useQuery({
    queryKey: ["workers", "regions"],
    queryFn: () => told(regionsList()),
    refetchInterval: OFTEN,
  });
  return (
    <Shown of={list}>
      {({ data }) =>
        data.length ? (
          <Stack gap="sm">
            {data.map((each) => (
              <Region key={each.region ?? ""} of={each} />
            ))}
          </Stack>
        ) : (
          <Nothing title="No regions are set">
            <Code>ONBEAT_REGIONS=us=checks-us,eu=checks-eu</Code> gives each region its queue, and
            says where jobs go when one is not there.
          </Nothing>
        )
      }
    </Shown>
  );
}

function Region({ of }: { of: RegionOut }) {
  return (
    <section aria-label={`Region ${of.region ?? "by default"}`}>
      <Group gap="sm" mb={4}>
        <Text fw={600}>{of.region ?? "By default"}</Text>
        <Badge color={of.unavailable ? "red" : "green"} variant="light" radius="sm" tt="none">
          {of.unavailable ?? "takes jobs"}
        </Badge>
      </Group>
      <Facts
        cols={6}
        of={[
          ["Queue", of.queue],
          ["Workers", of.workers],
          ["Pending", of.pending],
          ["Served", <Moment key="served" at={of.served_at} />],
          ["Its jobs go to", of.goes_to ?? (of.spread_over.join(", ") || "itself")],
          [
            "What waits is moved",
            of.pending ? <Moment key="moves" at={of.moves_at} /> : "nothing waits",
          ],
        ]}
      />
    </section>
  );
}
