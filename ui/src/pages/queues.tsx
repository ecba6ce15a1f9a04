import { ScrollArea, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import { queuesList, queuesPause, queuesResume } from "../client/sdk.gen";
import type { QueueOut } from "../client/types.gen";
import { Act } from "../parts/act";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { Moment } from "../parts/time";

/** Where jobs wait. */
export function Queues() {
  const list = useQuery({ queryKey: ["queues"], queryFn: () => told(queuesList()) });
  return (
    <Page title="Queues">
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
    </Page>
  );
}

function Row({ of }: { of: QueueOut }) {
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
        <Act
          name={of.paused_at ? "Resume" : "Pause"}
          needs="queues:manage"
          size="compact-xs"
          reads={["queues"]}
          does={() =>
            told((of.paused_at ? queuesResume : queuesPause)({ path: { name: of.name } }))
          }
        />
      </Table.Td>
    </Table.Tr>
  );
}
