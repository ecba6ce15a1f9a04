import { Card, Group, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import {
  incidentsList,
  jobsCounts,
  queuesList,
  schedulesList,
  stats,
  workersList,
} from "../client/sdk.gen";
import type { IncidentOut, QueueOut } from "../client/types.gen";
import { Going } from "../parts/going";
import { Nothing, Shown } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { lasting, Moment, useNow } from "../parts/time";

/** Whether all is well, what comes next, and whether the workers keep up. */
export function Overview() {
  return (
    <Stack>
      <Title order={1} size="h3">
        Overview
      </Title>
      <Figures />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Attention />
        <NextUp />
      </SimpleGrid>
    </Stack>
  );
}

function Figures() {
  const counts = useQuery({ queryKey: ["jobs", "counts"], queryFn: () => told(jobsCounts()) });
  const hour = useQuery({
    queryKey: ["jobs", "stats", "1h"],
    queryFn: () => told(stats({ query: { window: "1h" } })),
  });
  const queues = useQuery({ queryKey: ["queues"], queryFn: () => told(queuesList()) });
  const workers = useQuery({ queryKey: ["workers"], queryFn: () => told(workersList()) });
  const now = useNow();
  const total = hour.data?.total;
  const ended = (total?.states.completed?.number ?? 0) + (total?.states.failed?.number ?? 0);
  const slots = workers.data?.data.reduce((sum, each) => sum + each.concurrency, 0) ?? 0;
  const busy = workers.data?.data.reduce((sum, each) => sum + each.running, 0) ?? 0;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
      <Figure
        name="Pending"
        value={counts.data && (counts.data.data.pending?.number ?? 0)}
        more={counts.data?.data.pending?.is_exact === false}
      />
      <Figure name="Oldest waits" value={oldest(queues.data?.data ?? [], now)} />
      <Figure name="Ended in an hour" value={hour.data && ended} />
      <Figure
        name="Completed"
        value={total?.success_rate == null ? "–" : `${(total.success_rate * 100).toFixed(1)} %`}
      />
      <Figure name="p95 run time" value={total?.p95_s == null ? "–" : lasting(total.p95_s)} />
      <Figure name="Busy slots" value={workers.data && `${busy} / ${slots}`} />
    </SimpleGrid>
  );
}

function oldest(queues: QueueOut[], now: number): string {
  const waits = queues
    .filter((each) => each.oldest_at)
    .map((each) => now - new Date(each.oldest_at as string).getTime());
  return waits.length ? lasting(Math.max(0, ...waits) / 1000) : "–";
}

function Figure({
  name,
  value,
  more,
}: {
  name: string;
  value: number | string | undefined;
  more?: boolean;
}) {
  return (
    <Card withBorder padding="sm">
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text fw={650} size="xl" className="number" ta="left">
        {value === undefined ? "…" : typeof value === "number" ? value.toLocaleString("en") : value}
        {more ? "+" : ""}
      </Text>
    </Card>
  );
}

function Attention() {
  const open = useQuery({
    queryKey: ["incidents", "open"],
    queryFn: () => told(incidentsList({ query: { state: ["open", "acknowledged"], limit: 8 } })),
    refetchInterval: 15_000,
  });
  return (
    <Card withBorder>
      <Title order={2} size="h5" mb="xs">
        Needs attention
      </Title>
      <Shown of={open}>
        {({ data }) =>
          data.length ? (
            data.map((each) => <Incident key={each.id} of={each} />)
          ) : (
            <Nothing title="All is well">No incident is open.</Nothing>
          )
        }
      </Shown>
    </Card>
  );
}

function Incident({ of }: { of: IncidentOut }) {
  return (
    <Group wrap="nowrap" align="flex-start" py={6}>
      <StateBadge of={of.severity} />
      <div>
        <Text size="sm" fw={550}>
          {of.facts.what}
        </Text>
        <Text size="xs" c="dimmed">
          <Moment at={of.opened_at} /> · {of.state} · {of.rule}
        </Text>
      </div>
    </Group>
  );
}

function NextUp() {
  const schedules = useQuery({
    queryKey: ["schedules", "next"],
    queryFn: () => told(schedulesList({ query: { limit: 200 } })),
  });
  return (
    <Card withBorder>
      <Title order={2} size="h5" mb="xs">
        Next up
      </Title>
      <Shown of={schedules}>
        {({ data }) => {
          const next = data
            .filter((each) => each.next_due_at && !each.paused_at)
            .sort((one, other) =>
              (one.next_due_at as string).localeCompare(other.next_due_at as string),
            )
            .slice(0, 12);
          return next.length ? (
            <Table>
              <Table.Tbody>
                {next.map((each) => (
                  <Table.Tr key={each.name}>
                    <Table.Td>
                      <Going to="/schedules/$" params={{ _splat: each.name }} size="sm">
                        {each.name}
                      </Going>
                    </Table.Td>
                    <Table.Td>
                      <Text size="xs" c="dimmed">
                        {each.description}
                      </Text>
                    </Table.Td>
                    <Table.Td className="number">
                      <Moment at={each.next_due_at} />
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
    </Card>
  );
}
