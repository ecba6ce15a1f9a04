import { Card, Table, Text, Title } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { FailureOut, OperationOut } from "../client/types.gen";
import { soughtBy } from "../parts/asking";
import { parse, seen } from "../parts/exact";
import { Going } from "../parts/going";
import { type Column, Listed } from "../parts/listed";
import { DOES, howFar, ProgressOf, Stop, useOperation } from "../parts/operation_progress";
import { Page } from "../parts/page";
import { Shown } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";
import { whichOf } from "./operations";

/** What is done to many: how far it has come, and which could not be changed. */
export function Operation() {
  const { operation: id } = useParams({ from: "/operations/$operation" });
  const found = useOperation(id);
  return <Shown of={found}>{(operation) => <Found of={operation} />}</Shown>;
}

const FAILURES: Column<FailureOut>[] = [
  {
    name: "Which",
    of: (row) =>
      row.job === null ? (
        <Going to="/schedules/$" params={{ _splat: row.schedule ?? "" }}>
          {seen(row.schedule ?? "")}
        </Going>
      ) : (
        <Going to="/jobs/$job" params={{ job: row.job }} className="mono">
          {row.job}
        </Going>
      ),
  },
  { name: "Why not", of: (row) => seen(row.why) },
];

function Found({ of }: { of: OperationOut }) {
  return (
    <Page title={DOES[of.action]} beside={<StateBadge of={of.state} />} actions={<Stop of={of} />}>
      <div>
        <ProgressOf of={of} />
        <Text size="sm" mt={4} aria-live="polite">
          {howFar(of)}
        </Text>
      </div>
      <Facts of={of} />
      {of.failures.length > 0 && (
        <>
          <Title order={2} size="h5">
            Could not be changed{of.failed > of.failures.length && `: the first of ${of.failed}`}
          </Title>
          <Listed
            rows={of.failures}
            columns={FAILURES}
            keyOf={(row) => row.job ?? row.schedule ?? ""}
            label="What could not be changed"
          />
        </>
      )}
      <Text size="sm">
        <Going to="/operations" search={{}}>
          All operations
        </Going>
      </Text>
    </Page>
  );
}

function Facts({ of }: { of: OperationOut }) {
  const search = of.ids || of.of !== "jobs" ? null : soughtBy(parse(JSON.stringify(of.where)));
  const facts: [string, ReactNode][] = [
    [
      "Which",
      <span className="mono lines" key="w">
        {whichOf(of)}
      </span>,
    ],
    [
      "Those that fit now",
      search && (
        <Going to="/jobs" search={search} key="l" size="sm">
          list of jobs
        </Going>
      ),
    ],
    ["Reason", of.reason && seen(of.reason)],
    ["By", seen(of.by)],
    ["Owner", of.owner && seen(of.owner)],
    ["Began", <Moment at={of.created_at} key="b" />],
    ["Ended", <Moment at={of.ended_at} key="e" />],
  ];
  return (
    <Card withBorder padding="xs">
      <Table withRowBorders={false} verticalSpacing={3} aria-label="Facts">
        <Table.Tbody>
          {facts
            .filter(([, value]) => value)
            .map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th c="dimmed" fw={400} w={150}>
                  {name}
                </Table.Th>
                <Table.Td>{value}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
