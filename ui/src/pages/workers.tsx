import { Badge, ScrollArea, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import { servicesList, workersList } from "../client/sdk.gen";
import { Nothing, Shown } from "../parts/shown";
import { Moment } from "../parts/time";

/** Who runs jobs, and what else is at work. */
export function Workers() {
  const workers = useQuery({ queryKey: ["workers"], queryFn: () => told(workersList()) });
  const services = useQuery({
    queryKey: ["workers", "services"],
    queryFn: () => told(servicesList()),
    refetchInterval: 10_000,
  });
  return (
    <Stack gap="sm">
      <Title order={1} size="h3">
        Workers
      </Title>
      <Shown of={workers}>
        {({ data }) =>
          data.length ? (
            <ScrollArea>
              <Table verticalSpacing={4} miw={700}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Host</Table.Th>
                    <Table.Th>Queues</Table.Th>
                    <Table.Th className="number">Slots</Table.Th>
                    <Table.Th>Version</Table.Th>
                    <Table.Th className="number">Since</Table.Th>
                    <Table.Th className="number">Heard of</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((each) => (
                    <Table.Tr key={each.session}>
                      <Table.Td>
                        <Text size="sm">
                          {each.host}{" "}
                          <Text span c="dimmed" size="xs">
                            pid {each.pid}
                          </Text>
                        </Text>
                      </Table.Td>
                      <Table.Td>
                        <Text size="sm">{each.queues.join(", ")}</Text>
                      </Table.Td>
                      <Table.Td className="number">
                        {each.running} / {each.concurrency}
                      </Table.Td>
                      <Table.Td>
                        {each.version}{" "}
                        {each.draining && (
                          <Badge color="yellow" size="xs">
                            draining
                          </Badge>
                        )}
                        {each.paused && (
                          <Badge color="yellow" size="xs">
                            paused
                          </Badge>
                        )}
                      </Table.Td>
                      <Table.Td className="number">
                        <Moment at={each.started_at} />
                      </Table.Td>
                      <Table.Td className="number">
                        <Moment at={each.heartbeat_at} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollArea>
          ) : (
            <Nothing title="No worker is at work">
              Start one: `onbeat worker` or `onbeat up`.
            </Nothing>
          )
        }
      </Shown>
      <Title order={2} size="h5">
        Services
      </Title>
      <Shown of={services}>
        {({ data }) => (
          <Table verticalSpacing={4}>
            <Table.Tbody>
              {data.map((each) => (
                <Table.Tr key={each.id}>
                  <Table.Td>{each.name}</Table.Td>
                  <Table.Td>
                    <Badge
                      color={each.healthy ? "green" : "red"}
                      variant="light"
                      radius="sm"
                      tt="none"
                    >
                      {each.status}
                    </Badge>
                  </Table.Td>
                  <Table.Td className="number">{each.runs.toLocaleString("en")} runs</Table.Td>
                  <Table.Td>
                    <Text size="xs" c="red">
                      {each.last_error}
                    </Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Shown>
    </Stack>
  );
}
