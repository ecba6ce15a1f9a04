import { Anchor, Button, Group, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowUp, Plus } from "lucide-react";
import { useCallback, useState } from "react";
import { told } from "../api";
import { jobsCounts } from "../client/sdk.gen";
import type { JobsPage } from "../client/types.gen";
import { useChosen } from "../parts/choosing";
import { Filtering } from "../parts/filtering";
import { Going } from "../parts/going";
import { PAGE_SIZE, useJobPage } from "../parts/job_page";
import { OperationStrip } from "../parts/operation_progress";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { listed, STATES, words } from "../parts/tokens";
import type { JobsSought } from "../router";
import { Bulk } from "./jobs_bulk";
import { JobsTable, type Only } from "./jobs_table";
import { Sharing, Views } from "./jobs_views";

type Seek = (to: JobsSought) => void;

/** All jobs, newest first, narrowed by what stands in the address. */
export function Jobs() {
  const search = useSearch({ from: "/jobs" });
  const navigate = useNavigate({ from: "/jobs" });
  const seek: Seek = useCallback((to) => void navigate({ search: to }), [navigate]);
  const [operation, setOperation] = useState<string | null>(null);
  return (
    <Page title="Jobs" actions={<Actions search={search} seek={seek} />}>
      {operation && <OperationStrip id={operation} close={() => setOperation(null)} />}
      <List search={search} seek={seek} began={setOperation} />
    </Page>
  );
}

function Actions({ search, seek }: { search: JobsSought; seek: Seek }) {
  return (
    <>
      <Views search={search} seek={seek} />
      <Sharing search={search} />
      <Going to="/operations" size="sm">
        Operations
      </Going>
      <Button size="xs" component={Link} to="/new/job" leftSection={<Plus size={13} aria-hidden />}>
        New job
      </Button>
    </>
  );
}

interface ListOf {
  search: JobsSought;
  seek: Seek;
  began: (operation: string) => void;
}

function List({ search, seek, began }: ListOf) {
  const { found, rows, fresh, renew } = useJobPage(search);
  const line = words(search);
  const choosing = useChosen(line);
  const only: Only = useCallback(
    (word, value) => seek({ ...search, after: undefined, before: undefined, [word]: [value] }),
    [seek, search],
  );
  return (
    <>
      <Filtering search={search} seek={seek} rows={rows} />
      <States search={search} seek={seek} />
      {(choosing.isAll || choosing.chosen.size > 0) && (
        <Bulk
          chosen={choosing.isAll ? { search } : { ids: [...choosing.chosen] }}
          count={choosing.isAll ? null : choosing.chosen.size}
          clear={choosing.clear}
          takeAll={choosing.takeAll}
          began={(operation) => {
            choosing.clear();
            began(operation);
          }}
        />
      )}
      <Shown of={found}>
        {({ page }) => (
          <>
            <Fresh count={fresh} show={() => renew()} />
            {rows.length ? (
              <JobsTable
                rows={rows}
                choosing={choosing}
                only={only}
                isOld={found.isPlaceholderData}
              />
            ) : (
              <None line={line} seek={seek} />
            )}
            <Pages page={page} search={search} seek={seek} />
          </>
        )}
      </Shown>
    </>
  );
}

/** What has come since: rows stay where they are until it is pressed. */
function Fresh({ count, show }: { count: number; show: () => void }) {
  return (
    <Group justify="center" h={22} my={-8} role="status" aria-live="polite">
      {count > 0 && (
        <Button
          size="compact-xs"
          radius="xl"
          leftSection={<ArrowUp size={12} aria-hidden />}
          onClick={show}
        >
          {count >= PAGE_SIZE ? `${PAGE_SIZE} or more` : count} new
        </Button>
      )}
    </Group>
  );
}

function None({ line, seek }: { line: string; seek: Seek }) {
  return (
    <Nothing title="No job fits">
      {line ? (
        <>
          Nothing is there with <span className="mono">{line}</span>.{" "}
          <Anchor component="button" onClick={() => seek({})}>
            Show all
          </Anchor>
        </>
      ) : (
        "None was ever asked for."
      )}
    </Nothing>
  );
}

interface PagesOf {
  page: JobsPage;
  search: JobsSought;
  seek: Seek;
}

function Pages({ page, search, seek }: PagesOf) {
  return (
    <>
      {page.is_cut && (
        <Text size="sm" c="dimmed">
          Searched a part of the record; more may fit further back. Narrow it by time to look
          further.
        </Text>
      )}
      <Group justify="flex-end">
        <Button
          variant="default"
          size="xs"
          disabled={!page.previous}
          onClick={() => seek({ ...search, after: undefined, before: page.previous ?? undefined })}
        >
          Newer
        </Button>
        <Button
          variant="default"
          size="xs"
          disabled={!page.next}
          onClick={() => seek({ ...search, before: undefined, after: page.next ?? undefined })}
        >
          Older
        </Button>
      </Group>
    </>
  );
}

function States({ search, seek }: { search: JobsSought; seek: Seek }) {
  const counts = useQuery({ queryKey: ["jobs", "counts"], queryFn: () => told(jobsCounts()) });
  const states = listed(search.state);
  const value = states.length ? (states.length === 1 ? (states[0] as string) : null) : "all";
  return (
    <Tabs
      value={value}
      onChange={(to) =>
        seek({
          ...search,
          after: undefined,
          before: undefined,
          state: to && to !== "all" ? [to] : undefined,
        })
      }
    >
      <Tabs.List>
        <Tabs.Tab value="all">All</Tabs.Tab>
        {STATES.map((state) => {
          const count = counts.data?.data[state];
          return (
            <Tabs.Tab key={state} value={state}>
              {state}{" "}
              {count?.number ? (
                <Text span size="xs" c="dimmed">
                  {count.number.toLocaleString("en")}
                  {count.is_exact ? "" : "+"}
                </Text>
              ) : null}
            </Tabs.Tab>
          );
        })}
      </Tabs.List>
    </Tabs>
  );
}
