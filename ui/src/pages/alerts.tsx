import { Button, Card, Code, Group, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { told } from "../api";
import { incidentsAcknowledge, incidentsList, incidentsResolve } from "../client/sdk.gen";
import type { IncidentOut } from "../client/types.gen";
import { Nothing, Shown } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";
import { useMay } from "../session";

/** What is wrong, and who sees to it. */
export function Alerts() {
  const list = useQuery({
    queryKey: ["incidents", "list"],
    queryFn: () => told(incidentsList({ query: { limit: 50 } })),
    refetchInterval: 15_000,
  });
  return (
    <Stack gap="sm">
      <Title order={1} size="h3">
        Incidents
      </Title>
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            data.map((each) => <Incident key={each.id} of={each} />)
          ) : (
            <Nothing title="All is well">There was no incident yet.</Nothing>
          )
        }
      </Shown>
    </Stack>
  );
}

function Incident({ of }: { of: IncidentOut }) {
  const queries = useQueryClient();
  const may = useMay("incidents:manage");
  const act = useMutation({
    mutationFn: (what: "acknowledge" | "resolve") =>
      told(
        (what === "acknowledge" ? incidentsAcknowledge : incidentsResolve)({
          path: { incident: of.id },
          body: {},
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["incidents"] }),
    onError: (error: Error) =>
      notifications.show({ title: "Not done", message: error.message, color: "red" }),
  });
  const isOver = of.state === "resolved";
  return (
    <Card withBorder padding="sm" opacity={isOver ? 0.7 : 1}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Group wrap="nowrap" align="flex-start">
          <StateBadge of={of.severity} />
          <div>
            <Text size="sm" fw={600}>
              {of.facts.what}
            </Text>
            <Text size="xs" c="dimmed">
              {of.state} · opened <Moment at={of.opened_at} /> · rule {of.rule}
              {of.reopened ? ` · opened again ${of.reopened} times` : ""}
            </Text>
            {of.facts.last_error && (
              <Text size="sm" c="red">
                {of.facts.last_error.message}
              </Text>
            )}
            {!isOver &&
              of.facts.to_try.map((each) => (
                <div key={each}>
                  <Code>{each}</Code>
                </div>
              ))}
          </div>
        </Group>
        {!isOver && (
          <Group gap="xs" wrap="nowrap">
            <Button
              size="compact-xs"
              variant="default"
              disabled={!may || of.state !== "open"}
              onClick={() => act.mutate("acknowledge")}
            >
              Acknowledge
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              disabled={!may}
              onClick={() => act.mutate("resolve")}
            >
              Resolve
            </Button>
          </Group>
        )}
      </Group>
    </Card>
  );
}
