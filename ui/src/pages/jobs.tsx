import {
  Anchor,
  Button,
  Group,
  ScrollArea,
  Stack,
  Table,
  Tabs,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { jobsCounts, jobsList } from "../client/sdk.gen";
import type { JobOut } from "../client/types.gen";
import { Going } from "../parts/going";
import { Nothing, Shown } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";
import { sought, words } from "../parts/tokens";
import type { JobsSought } from "../router";

const STATES = [
  "running",
  "pending",
  "blocked",
  "scheduled",
  "retrying",
  "failed",
  "cancelled",
  "completed",
] as const;

/** All jobs, newest first, narrowed by what stands in the address. */
export function Jobs() {
  const search = useSearch({ from: "/jobs" });
  const navigate = useNavigate({ from: "/jobs" });
  const list = useQuery({
    queryKey: ["jobs", "list", search],
    queryFn: () => told(jobsList({ query: asked(search) })),
  });
  const seek = (to: JobsSought) => void navigate({ search: to });
  return (
    <Stack gap="sm">
      <Title order={1} size="h3">
        Jobs
      </Title>
      <Filter key={words(search)} search={search} seek={seek} />
      <States search={search} seek={seek} />
      <Shown of={list}>
        {({ data, page }) => (
          <>
            {data.length ? (
              <Rows of={data} />
            ) : (
              <Nothing title="No job fits">
                {words(search) ? (
                  <Anchor component="button" onClick={() => seek({})}>
                    Show all
                  </Anchor>
                ) : (
                  "None was ever asked for."
                )}
              </Nothing>
            )}
            {page.is_cut && (
              <Text size="sm" c="dimmed">
                Searched a part of the record; more may fit further back.
              </Text>
            )}
            <Group justify="flex-end">
              <Button
                variant="default"
                size="xs"
                disabled={!page.previous}
                onClick={() =>
                  seek({ ...search, after: undefined, before: page.previous ?? undefined })
                }
              >
                Newer
              </Button>
              <Button
                variant="default"
                size="xs"
                disabled={!page.next}
                onClick={() =>
                  seek({ ...search, before: undefined, after: page.next ?? undefined })
                }
              >
                Older
              </Button>
            </Group>
          </>
        )}
      </Shown>
    </Stack>
  );
}

function asked(search: JobsSought) {
  const { arg, ...rest } = search;
  return { ...rest, arg: arg ? [arg] : undefined, limit: 50 } as NonNullable<
    Parameters<typeof jobsList>[0]
  >["query"];
}

function Filter({ search, seek }: { search: JobsSought; seek: (to: JobsSought) => void }) {
  const [typed, setTyped] = useState(words(search));
  const [wrong, setWrong] = useState<string | null>(null);

  function submit(event: FormEvent): void {
    event.preventDefault();
    const read = sought(typed);
    setWrong(read.wrong);
    if (!read.wrong) seek(read.search);
  }

  return (
    <search>
      <form onSubmit={submit}>
        <TextInput
          aria-label="Narrow the list"
          placeholder="state:failed task:charge queue:billing tag:eu error:timeout arg.order_id:42"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          error={wrong}
          classNames={{ input: "mono" }}
        />
      </form>
    </search>
  );
}

function States({ search, seek }: { search: JobsSought; seek: (to: JobsSought) => void }) {
  const counts = useQuery({ queryKey: ["jobs", "counts"], queryFn: () => told(jobsCounts()) });
  const value = search.state?.length === 1 ? (search.state[0] as string) : "all";
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

function Rows({ of }: { of: JobOut[] }) {
  return (
    <ScrollArea>
      <Table highlightOnHover verticalSpacing={4} miw={760}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>State</Table.Th>
            <Table.Th>Task</Table.Th>
            <Table.Th>Arguments</Table.Th>
            <Table.Th>Queue</Table.Th>
            <Table.Th className="number">Attempt</Table.Th>
            <Table.Th className="number">Asked</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((job) => (
            <Table.Tr key={job.id}>
              <Table.Td>
                <StateBadge of={job.state} />
              </Table.Td>
              <Table.Td>
                <Going to="/jobs/$job" params={{ job: job.id }} size="sm">
                  {job.task}
                </Going>
              </Table.Td>
              <Table.Td>
                <div className="mono clip">{JSON.stringify(job.args)}</div>
              </Table.Td>
              <Table.Td>
                <Text size="sm">{job.queue}</Text>
              </Table.Td>
              <Table.Td className="number">
                {job.attempt}/{job.max_attempts}
              </Table.Td>
              <Table.Td className="number">
                <Moment at={job.created_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}
