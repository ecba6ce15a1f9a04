import { Button, ScrollArea, Stack, Table, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { told } from "../api";
import { queuesList, queuesPause, queuesResume } from "../client/sdk.gen";
import type { QueueOut } from "../client/types.gen";
import { Nothing, Shown } from "../parts/shown";
import { Moment } from "../parts/time";
import { useMay } from "../session";

/** Where jobs wait. */
export function Queues() {
  const list = useQuery({ queryKey: ["queues"], queryFn: () => told(queuesList()) });
  return (
    <Stack gap="sm">
      <Title order={1} size="h3">
        Queues
      </Title>
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <ScrollArea>
              <Table highlightOnHover verticalSpacing={4} miw={600}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Queue</Table.Th>
                    <Table.Th className="number">Pending</Table.Th>
                    <Table.Th className="number">Running</Table.Th>
                    <Table.Th className="number">Later</Table.Th>
                    <Table.Th className="number">Oldest waits since</Table.Th>
                    <Table.Th />
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
            <Nothing title="No queue has had a job" />
          )
        }
      </Shown>
    </Stack>
  );
}

function Row({ of }: { of: QueueOut }) {
  const queries = useQueryClient();
  const may = useMay("queues:manage");
  const turn = useMutation({
    mutationFn: () =>
      of.paused_at
        ? told(queuesResume({ path: { name: of.name } }))
        : told(queuesPause({ path: { name: of.name } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["queues"] }),
    onError: (error: Error) =>
      notifications.show({ title: "Not done", message: error.message, color: "red" }),
  });
  const told_of = (count: number) =>
    count >= of.count_limit
      ? `${of.count_limit.toLocaleString("en")}+`
      : count.toLocaleString("en");
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={550}>
          {of.name}
        </Text>
        {of.paused_at && (
          <Text size="xs" c="yellow">
            paused by {of.paused_by}, <Moment at={of.paused_at} />
          </Text>
        )}
      </Table.Td>
      <Table.Td className="number">{told_of(of.pending)}</Table.Td>
      <Table.Td className="number">{told_of(of.running)}</Table.Td>
      <Table.Td className="number">{told_of(of.delayed)}</Table.Td>
      <Table.Td className="number">
        <Moment at={of.oldest_at} />
      </Table.Td>
      <Table.Td className="number">
        <Button
          size="compact-xs"
          variant="default"
          disabled={!may}
          loading={turn.isPending}
          onClick={() => turn.mutate()}
        >
          {of.paused_at ? "Resume" : "Pause"}
        </Button>
      </Table.Td>
    </Table.Tr>
  );
}
