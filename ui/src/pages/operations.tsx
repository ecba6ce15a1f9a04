import { Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { told } from "../api";
import { operationsList } from "../client/sdk.gen";
import type { OperationOut } from "../client/types.gen";
import { soughtBy } from "../parts/asking";
import { parse, seen } from "../parts/exact";
import { Going } from "../parts/going";
import { type Column, Listed } from "../parts/listed";
import { DOES } from "../parts/operation_progress";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";
import { words } from "../parts/tokens";

/** To which it is done, in words. */
export function whichOf({ ids, where, of }: OperationOut): string {
  if (ids) return `${ids.toLocaleString("en")} that were chosen`;
  const said = JSON.stringify(where);
  const search = of === "jobs" ? soughtBy(parse(said)) : null;
  return seen((search && words(search)) || said);
}

const COLUMNS: Column<OperationOut>[] = [
  {
    name: "What",
    of: (row) => (
      <Going to="/operations/$operation" params={{ operation: row.id }} size="sm">
        {DOES[row.action]}
      </Going>
    ),
  },
  { name: "State", of: (row) => <StateBadge of={row.state} /> },
  { name: "Which", of: (row) => <div className="mono clip">{whichOf(row)}</div> },
  { name: "By", of: (row) => <Text size="sm">{seen(row.by)}</Text> },
  {
    name: "Done",
    isNumber: true,
    of: (row) =>
      `${row.done.toLocaleString("en")} / ${row.total.toLocaleString("en")}${row.is_total_exact ? "" : "+"}`,
  },
  { name: "Could not be", isNumber: true, of: (row) => row.failed.toLocaleString("en") },
  { name: "Began", isNumber: true, of: (row) => <Moment at={row.created_at} /> },
  { name: "Ended", isNumber: true, of: (row) => <Moment at={row.ended_at} /> },
];

/** What was done to many at once, the newest first. */
export function Operations() {
  const { after } = useSearch({ from: "/operations" });
  const navigate = useNavigate({ from: "/operations" });
  const list = useQuery({
    queryKey: ["operations", "list", after],
    queryFn: () => told(operationsList({ query: { limit: 50, after } })),
    refetchInterval: 5_000,
  });
  return (
    <Page title="Operations">
      <Shown of={list}>
        {({ data, page }) =>
          data.length ? (
            <>
              <Listed
                rows={data}
                columns={COLUMNS}
                keyOf={(row) => row.id}
                width={860}
                label="Operations"
              />
              <Group justify="flex-end">
                <Button
                  variant="default"
                  size="xs"
                  disabled={!after}
                  onClick={() => void navigate({ search: {} })}
                >
                  Newest
                </Button>
                <Button
                  variant="default"
                  size="xs"
                  disabled={!page.next}
                  onClick={() => void navigate({ search: { after: page.next ?? undefined } })}
                >
                  Older
                </Button>
              </Group>
            </>
          ) : (
            <Nothing title="Nothing was done to many yet">
              Choose some on the{" "}
              <Going to="/jobs" search={{}}>
                list of jobs
              </Going>
              .
            </Nothing>
          )
        }
      </Shown>
    </Page>
  );
}
