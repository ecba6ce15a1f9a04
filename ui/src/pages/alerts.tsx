import { Card, Code, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import { incidentsAcknowledge, incidentsList, incidentsResolve } from "../client/sdk.gen";
import type { IncidentOut } from "../client/types.gen";
import { Act } from "../parts/act";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";

/** What is wrong, and who sees to it. */
export function Alerts() {
  const list = useQuery({
    queryKey: ["incidents", "list"],
    queryFn: () => told(incidentsList({ query: { limit: 50 } })),
    refetchInterval: 15_000,
  });
  return (
    <Page title="Incidents">
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            data.map((each) => <Incident key={each.id} of={each} />)
          ) : (
            <Nothing title="All is well">There was no incident yet.</Nothing>
          )
        }
      </Shown>
    </Page>
  );
}

function Incident({ of }: { of: IncidentOut }) {
  const path = { incident: of.id };
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
            <Act
              name="Acknowledge"
              needs="incidents:manage"
              size="compact-xs"
              off={of.state !== "open" && `It is ${of.state}.`}
              reads={["incidents"]}
              does={() => told(incidentsAcknowledge({ path, body: {} }))}
            />
            <Act
              name="Resolve"
              needs="incidents:manage"
              size="compact-xs"
              reads={["incidents"]}
              does={() => told(incidentsResolve({ path, body: {} }))}
            />
          </Group>
        )}
      </Group>
    </Card>
  );
}
