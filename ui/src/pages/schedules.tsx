import "@mantine/core/styles/Combobox.css";
import { Anchor, Button, Group, Select, Text, TextInput, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { schedulesList } from "../client/sdk.gen";
import type { ScheduleCounts, ScheduleListed } from "../client/types.gen";
import { useChosen } from "../parts/choosing";
import { isChosen } from "../parts/choosing_boxes";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { OperationStrip } from "../parts/operation_progress";
import { Page } from "../parts/page";
import { Pausing } from "../parts/pausing";
import { type SchedulesSought, whereOf } from "../parts/schedules_meant";
import { Nothing, Shown } from "../parts/shown";
import { useMay } from "../session";
import { Bulk } from "./schedules_bulk";
import { columns } from "./schedules_columns";

const SOURCES = [
  { value: "code", label: "made by code" },
  { value: "api", label: "made by hand" },
];

/** What runs by the clock, when next, and how it fared. */
export function Schedules() {
  const search: SchedulesSought = useSearch({ strict: false });
  const navigate = useNavigate();
  const [operation, setOperation] = useState<string | null>(null);
  const list = useQuery({
    queryKey: ["schedules", "list", search],
    queryFn: () =>
      told(
        schedulesList({
          query: { ...search, details: true, limit: 50 } as NonNullable<
            Parameters<typeof schedulesList>[0]
          >["query"],
        }),
      ),
  });
  const seek = (to: SchedulesSought) => void navigate({ to: "/schedules", search: { ...to } });
  const narrow = (to: SchedulesSought) => seek({ ...search, after: undefined, ...to });
  const isNarrowed = Object.entries(search).some(([name, value]) => name !== "after" && value);
  return (
    <Page
      title="Schedules"
      beside={list.data?.counts && <Counts of={list.data.counts} chosen={search.standing} />}
      actions={
        <>
          <Going to="/calendar" size="sm">
            Calendar
          </Going>
          <New />
        </>
      }
    >
      {operation && <OperationStrip id={operation} close={() => setOperation(null)} />}
      <Filters key={search.search ?? ""} search={search} narrow={narrow} />
      <Shown of={list}>
        {({ data, page }) => (
          <>
            {data.length ? (
              <Rows
                rows={data}
                isOld={list.isPlaceholderData}
                search={search}
                began={setOperation}
              />
            ) : (
              <Nothing title={isNarrowed ? "No schedule fits" : "Nothing is scheduled"}>
                {isNarrowed ? (
                  <Anchor component="button" onClick={() => seek({})}>
                    Show all
                  </Anchor>
                ) : (
                  "Put @ob.schedule(...) over a task, or make one here."
                )}
              </Nothing>
            )}
            {(page.next || search.after) && (
              <Group justify="flex-end">
                <Button
                  size="xs"
                  variant="default"
                  disabled={!search.after}
                  onClick={() => narrow({})}
                >
                  First page
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  disabled={!page.next}
                  onClick={() => seek({ ...search, after: page.next ?? undefined })}
                >
                  Next page
                </Button>
              </Group>
            )}
          </>
        )}
      </Shown>
    </Page>
  );
}

interface RowsOf {
  rows: ScheduleListed[];
  /** Whether they are of the list before, until the one that was asked for comes. */
  isOld: boolean;
  search: SchedulesSought;
  began: (operation: string) => void;
}

/** Those of a page, with what can be done to those that are chosen, on whatever page. */
function Rows({ rows, isOld, search: { after: _after, ...narrowed }, began }: RowsOf) {
  const [pausing, setPausing] = useState<string | null>(null);
  const choosing = useChosen(JSON.stringify(narrowed));
  const where = whereOf(narrowed);
  const order = rows.map((each) => each.name);
  return (
    <>
      {(choosing.isAll || choosing.chosen.size > 0) && (
        <Bulk
          where={choosing.isAll && where ? where : { name: [...choosing.chosen] }}
          count={choosing.isAll ? null : choosing.chosen.size}
          clear={choosing.clear}
          takeAll={where ? choosing.takeAll : undefined}
          began={(begun) => {
            choosing.clear();
            began(begun);
          }}
        />
      )}
      <Listed
        label="Schedules"
        width={1020}
        rows={rows}
        keyOf={(each) => each.name}
        isMarked={(each) => isChosen(choosing, each.name)}
        columns={columns({ choosing, order, isOld, pause: setPausing })}
      />
      <Pausing name={pausing} close={() => setPausing(null)} />
    </>
  );
}

function New() {
  const may = useMay("schedules:write");
  const button = (
    <Button size="xs" component={Link} to="/new/schedule" disabled={!may}>
      New schedule
    </Button>
  );
  return may ? button : <Tooltip label="You lack schedules:write">{button}</Tooltip>;
}

function Counts({ of, chosen }: { of: ScheduleCounts; chosen?: string }) {
  const told = [
    ["on", "on", of.on],
    ["paused", "paused", of.paused],
    ["broken", "set aside", of.broken],
    ["late", "late", of.late],
  ] as const;
  const shown = told.filter(([standing, , count]) => count || standing === "on");
  return (
    <Text size="sm" component="div">
      {shown.map(([standing, word, count], at) => (
        <span key={standing}>
          {at > 0 && " · "}
          <Going
            to="/schedules"
            search={{ standing: chosen === standing ? undefined : standing }}
            fw={chosen === standing ? 700 : undefined}
            aria-current={chosen === standing ? "true" : undefined}
            size="sm"
          >
            {count.toLocaleString("en")} {word}
          </Going>
        </span>
      ))}
    </Text>
  );
}

function Filters({
  search,
  narrow,
}: {
  search: SchedulesSought;
  narrow: (to: SchedulesSought) => void;
}) {
  const [typed, setTyped] = useState(search.search ?? "");
  function submit(event: FormEvent): void {
    event.preventDefault();
    narrow({ search: typed.trim() || undefined });
  }
  const others = (["task", "queue", "tag", "clock"] as const).filter((each) => search[each]);
  return (
    <search>
      <Group gap="xs">
        <form onSubmit={submit} style={{ flex: "1 1 14rem" }}>
          <TextInput
            size="xs"
            type="search"
            aria-label="Search names and tasks"
            placeholder="Search names and tasks, and press Enter"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        </form>
        <Select
          size="xs"
          w={150}
          aria-label="How they stand"
          placeholder="all that there are"
          clearable
          data={[
            { value: "on", label: "on" },
            { value: "paused", label: "paused" },
            { value: "broken", label: "set aside" },
            { value: "late", label: "late" },
          ]}
          value={search.standing ?? null}
          onChange={(to) => narrow({ standing: to ?? undefined })}
        />
        <Select
          size="xs"
          w={150}
          aria-label="Who made them"
          placeholder="made by anybody"
          clearable
          data={SOURCES}
          value={search.source ?? null}
          onChange={(to) => narrow({ source: to ?? undefined })}
        />
        {others.map((each) => (
          <Button
            key={each}
            size="compact-xs"
            variant="light"
            aria-label={`Take ${each} ${search[each]} away`}
            onClick={() => narrow({ [each]: undefined })}
          >
            {each}: {search[each]} ×
          </Button>
        ))}
      </Group>
    </search>
  );
}
