import { Button, Card, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { told } from "../api";
import { schedulesRevert, schedulesVersions } from "../client/sdk.gen";
import type { VersionOut } from "../client/types.gen";
import { Act } from "./act";
import { differences } from "./differing";
import { Nothing, Shown } from "./shown";
import { Moment } from "./time";

const FIRST = 5;

/** What a schedule has said, what differs from one version to the next, and the way back. */
export function Versions({ name }: { name: string }) {
  const [isAll, setAll] = useState(false);
  const versions = useQuery({
    queryKey: ["schedules", name, "versions"],
    queryFn: () => told(schedulesVersions({ path: { name } })),
  });
  return (
    <Card withBorder padding="sm">
      <Title order={2} size="h5" mb="xs">
        Changes
      </Title>
      <Shown of={versions}>
        {({ data }) =>
          data.length > 1 ? (
            <Stack gap="sm">
              {data.slice(0, isAll ? undefined : FIRST).map((each, at) => (
                <Version key={each.version} name={name} of={each} before={data[at + 1]} at={at} />
              ))}
              {data.length > FIRST && !isAll && (
                <Button size="compact-xs" variant="default" onClick={() => setAll(true)}>
                  {data.length - FIRST} older ones
                </Button>
              )}
            </Stack>
          ) : (
            <Nothing title="It is as it was made">
              {data[0] && (
                <>
                  by {data[0].by} <Moment at={data[0].at} />
                </>
              )}
            </Nothing>
          )
        }
      </Shown>
    </Card>
  );
}

interface OneOf {
  name: string;
  of: VersionOut;
  before: VersionOut | undefined;
  /** 0 of the one that holds now. */
  at: number;
}

function Version({ name, of, before, at }: OneOf) {
  const rows = before ? differences(before.said, of.said) : [];
  return (
    <section aria-label={`Version ${of.version}`}>
      <Group justify="space-between" gap="xs">
        <Text size="sm">
          Version {of.version} by {of.by}{" "}
          <Text span c="dimmed" size="xs">
            <Moment at={of.at} />
          </Text>
        </Text>
        {at > 0 && (
          <Act
            name={`Back to version ${of.version}`}
            needs="schedules:write"
            size="compact-xs"
            asks={`${name} says again what it said in version ${of.version}. A pause stays as it is, and so do jobs that are made.`}
            done={(made) =>
              `It says so again, as version ${(made as { version: number }).version}.`
            }
            reads={["schedules", "calendar"]}
            does={() => told(schedulesRevert({ path: { name }, body: { version: of.version } }))}
          />
        )}
      </Group>
      {of.why && <Text size="xs">“{of.why}”</Text>}
      {rows.length > 0 && (
        <Table.ScrollContainer minWidth={320}>
          <Table verticalSpacing={2} aria-label={`What version ${of.version} changed`}>
            <Table.Tbody>
              {rows.map(({ field, was, is }) => (
                <Table.Tr key={field}>
                  <Table.Td>
                    <Text size="xs">{field}</Text>
                  </Table.Td>
                  <Table.Td>
                    <pre className="text">
                      <del>{was}</del>
                    </pre>
                  </Table.Td>
                  <Table.Td>
                    <pre className="text">
                      <ins>{is}</ins>
                    </pre>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {!before && <Text size="xs">As it was made</Text>}
    </section>
  );
}
