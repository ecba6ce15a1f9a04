import { Alert, Badge, Card, Group, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import { told } from "../api";
import { channelsList, incidentsCount, incidentsList, rulesList } from "../client/sdk.gen";
import type {
  IncidentOut,
  IncidentKind as Kind,
  Severity,
  IncidentState as State,
} from "../client/types.gen";
import { AlertTabs } from "../parts/alert_tabs";
import { Cards } from "../parts/cards";
import { Going } from "../parts/going";
import { IncidentActs, SubjectLink, standing } from "../parts/incident";
import { Chosen, Narrowing, Turning, Written } from "../parts/narrowing";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";
import { useMay } from "../session";

const SEVERITIES: Severity[] = ["critical", "error", "warning", "info"];
const STATES: Record<string, State[] | undefined> = {
  "": undefined,
  open: ["open"],
  acknowledged: ["acknowledged"],
  snoozed: ["snoozed"],
  resolved: ["resolved"],
  all: ["open", "acknowledged", "snoozed", "resolved"],
};
const KINDS: Kind[] = [
  "task",
  "schedule",
  "queue",
  "worker",
  "job",
  "webhook",
  "channel",
  "system",
];

/** What is wrong or was, and who sees to it. */
export function Alerts() {
  const [search] = useSought();
  const rules = useQuery({
    queryKey: ["rules", "list"],
    queryFn: () => told(rulesList({ query: { limit: 500 } })),
  });
  const list = useQuery({
    queryKey: ["incidents", "list", search],
    queryFn: () =>
      told(
        incidentsList({
          query: {
            state: STATES[search.state ?? ""],
            severity: search.severity as Severity | undefined,
            rule: search.rule,
            kind: search.kind as Kind | undefined,
            subject: search.subject,
            after: search.after,
            limit: 50,
          },
        }),
      ),
    refetchInterval: 15_000,
  });
  return (
    <Page title="Incidents" beside={<Counts />}>
      <AlertTabs />
      <Untold />
      <Narrowing>
        <Chosen
          label="State"
          name="state"
          none="not resolved"
          choices={Object.keys(STATES).filter(Boolean)}
        />
        <Chosen label="Severity" name="severity" none="any" choices={SEVERITIES} />
        <Chosen
          label="Rule"
          name="rule"
          none="any"
          choices={rules.data?.data.map((each) => each.name) ?? (search.rule ? [search.rule] : [])}
        />
        <Chosen label="Of what" name="kind" none="anything" choices={KINDS} />
        <Written label="Called" name="subject" like="charge" />
        <Chosen
          label="Together"
          name="group"
          none="one by one"
          choices={[
            { value: "rule", label: "by rule" },
            { value: "name", label: "by what it is of" },
          ]}
        />
      </Narrowing>
      <Shown of={list}>
        {({ data, page }) => (
          <>
            {data.length ? (
              <Groups of={data} by={search.group} />
            ) : (
              <Nothing title={isNarrowed(search) ? "No incident fits" : "All is well"}>
                {isNarrowed(search) ? (
                  <Going to="/alerts">Show all that are not resolved</Going>
                ) : (
                  "No incident is open."
                )}
              </Nothing>
            )}
            <Turning next={page.next} />
          </>
        )}
      </Shown>
    </Page>
  );
}

/** Says that nobody hears of any of it, where no channel takes anything. */
function Untold() {
  const channels = useQuery({
    queryKey: ["channels", "list"],
    queryFn: () => told(channelsList()),
    enabled: useMay("channels:manage"),
  });
  if (!channels.data || channels.data.data.some((each) => each.enabled)) return null;
  return (
    <Alert color="yellow" p="xs" mb="sm">
      Nobody is told of incidents:{" "}
      {channels.data.data.length ? "each channel is off" : "no channel is set"}.{" "}
      <Going to="/alerts/channels" c="inherit">
        Channels
      </Going>
    </Alert>
  );
}

function isNarrowed(search: Record<string, string | undefined>): boolean {
  return ["state", "severity", "rule", "kind", "subject", "after"].some((each) => search[each]);
}

function Counts() {
  const counts = useQuery({
    queryKey: ["incidents", "counts"],
    queryFn: () => told(incidentsCount()),
    refetchInterval: 15_000,
  });
  return (
    <Group gap={6}>
      {SEVERITIES.filter((each) => counts.data?.counts[each]).map((each) => (
        <Going key={each} to="/alerts" search={{ severity: each }} underline="never">
          <Badge
            color={each === "info" ? "blue" : each === "warning" ? "yellow" : "red"}
            variant="light"
            radius="sm"
            tt="none"
          >
            {counts.data?.counts[each]} {each}
          </Badge>
        </Going>
      ))}
    </Group>
  );
}

/** The incidents, in groups where that is asked for. */
function Groups({ of, by }: { of: IncidentOut[]; by: string | undefined }) {
  if (by !== "rule" && by !== "name") return <Rows of={of} label="Incidents" />;
  const groups = new Map<string, IncidentOut[]>();
  for (const each of of) {
    const key = by === "rule" ? each.rule : `${each.kind} ${each.name}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return (
    <>
      {[...groups].map(([name, each]) => (
        <Fragment key={name}>
          <Title order={2} size="h6">
            {name}{" "}
            <Text span c="dimmed" size="sm">
              {each.length}
            </Text>
          </Title>
          <Rows of={each} label={`Incidents of ${name}`} />
        </Fragment>
      ))}
    </>
  );
}

function Rows({ of, label }: { of: IncidentOut[]; label: string }) {
  return (
    <Card withBorder padding={0}>
      <Cards verticalSpacing={6} width={820} aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={120} miw={110}>
              Severity
            </Table.Th>
            <Table.Th>What is wrong</Table.Th>
            <Table.Th w={150}>State</Table.Th>
            <Table.Th w={90}>Opened</Table.Th>
            <Table.Th w={250} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((each) => (
            <Row key={each.id} of={each} />
          ))}
        </Table.Tbody>
      </Cards>
    </Card>
  );
}

function Row({ of }: { of: IncidentOut }) {
  const isOver = of.state === "resolved";
  return (
    <Table.Tr>
      <Table.Td>
        <StateBadge of={of.severity} />
      </Table.Td>
      <Table.Td>
        <Going to="/alerts/incidents/$incident" params={{ incident: of.id }} size="sm" fw={550}>
          {of.facts.what}
        </Going>
        <Text size="xs" c="dimmed" component="div">
          {of.kind} <SubjectLink of={of} size="xs" /> · rule{" "}
          <Going to="/alerts" search={{ rule: of.rule }} size="xs">
            {of.rule}
          </Going>
          {of.reopened ? ` · opened again ${of.reopened}×` : ""}
          {of.flapping ? " · opens and closes all the time" : ""}
          {of.silenced_by ? " · silenced" : ""}
          {of.inhibited_by ? ` · follows from ${of.inhibited_by}` : ""}
        </Text>
        {of.facts.last_error && !isOver && (
          <div className="mono clip">
            {of.facts.last_error.type}
            {of.facts.last_error.message ? `: ${of.facts.last_error.message}` : ""}
          </div>
        )}
      </Table.Td>
      <Table.Td data-label="State" className="half">
        <Text size="sm">{standing(of)}</Text>
        {of.snoozed_until && of.state === "snoozed" && (
          <Text size="xs" c="dimmed">
            until <Moment at={of.snoozed_until} />
          </Text>
        )}
        {of.resolved_at && (
          <Text size="xs" c="dimmed">
            <Moment at={of.resolved_at} />
          </Text>
        )}
      </Table.Td>
      <Table.Td data-label="Opened" className="half">
        <Moment at={of.opened_at} />
      </Table.Td>
      <Table.Td>{!isOver && <IncidentActs of={of} size="compact-xs" />}</Table.Td>
    </Table.Tr>
  );
}
