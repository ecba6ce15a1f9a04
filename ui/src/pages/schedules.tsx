import { Badge, Group, ScrollArea, Stack, Switch, Table, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { told } from "../api";
import { schedulesList, schedulesPause, schedulesResume } from "../client/sdk.gen";
import type { ScheduleOut } from "../client/types.gen";
import { Going } from "../parts/going";
import { Nothing, Shown } from "../parts/shown";
import { Moment } from "../parts/time";
import { useMay } from "../session";

/** What runs by the clock, and when next. */
export function Schedules() {
  const list = useQuery({
    queryKey: ["schedules", "list"],
    queryFn: () => told(schedulesList({ query: { limit: 200 } })),
  });
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={1} size="h3">
          Schedules
        </Title>
        <Going to="/new/schedule" size="sm">
          New schedule
        </Going>
      </Group>
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <ScrollArea>
              <Table highlightOnHover verticalSpacing={4} miw={800}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>On</Table.Th>
                    <Table.Th>Schedule</Table.Th>
                    <Table.Th>When</Table.Th>
                    <Table.Th>Task</Table.Th>
                    <Table.Th className="number">Next</Table.Th>
                    <Table.Th className="number">Last</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((each) => (
                    <Row key={each.name} of={each} />
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollArea>
          ) : (
            <Nothing title="Nothing is scheduled">
              Put @ob.schedule(...) over a task, or use `onbeat schedules add`.
            </Nothing>
          )
        }
      </Shown>
    </Stack>
  );
}

function Row({ of }: { of: ScheduleOut }) {
  return (
    <Table.Tr>
      <Table.Td>
        <OnOff of={of} />
      </Table.Td>
      <Table.Td>
        <Going to="/schedules/$" params={{ _splat: of.name }} size="sm" fw={550}>
          {of.name}
        </Going>
        {of.tags.map((tag) => (
          <Badge key={tag} size="xs" variant="default" tt="none">
            {tag}
          </Badge>
        ))}
      </Table.Td>
      <Table.Td>
        <Text size="sm">{of.description}</Text>
        {of.warnings.map((each) => (
          <Text key={each} size="xs" c="yellow">
            {each}
          </Text>
        ))}
      </Table.Td>
      <Table.Td>
        <Text size="sm">{of.task}</Text>
      </Table.Td>
      <Table.Td className="number">
        {of.paused_at ? (
          <Text size="sm" c="dimmed">
            paused by {of.paused_by}
          </Text>
        ) : (
          <Moment at={of.next_due_at} />
        )}
      </Table.Td>
      <Table.Td className="number">
        <Moment at={of.last_due_at} />
      </Table.Td>
    </Table.Tr>
  );
}

function OnOff({ of }: { of: ScheduleOut }) {
  const queries = useQueryClient();
  const may = useMay("schedules:write");
  const turn = useMutation({
    mutationFn: () =>
      of.paused_at
        ? told(schedulesResume({ path: { name: of.name } }))
        : told(schedulesPause({ path: { name: of.name }, body: {} })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["schedules"] }),
    onError: (error: Error) =>
      notifications.show({ title: "Not done", message: error.message, color: "red" }),
  });
  return (
    <Switch
      size="xs"
      checked={!of.paused_at}
      disabled={!may || turn.isPending}
      onChange={() => turn.mutate()}
      aria-label={`${of.name} is on`}
    />
  );
}
