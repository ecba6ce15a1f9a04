import "@mantine/core/styles/Combobox.css";
import {
  Anchor,
  Badge,
  Button,
  Group,
  Select,
  Switch,
  Text,
  TextInput,
  Tooltip,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";
import { told } from "../api";
import { schedulesList, schedulesResume } from "../client/sdk.gen";
import type { ScheduleCounts, ScheduleListed } from "../client/types.gen";
import { useAct } from "../parts/act";
import { Going } from "../parts/going";
import { type Column, Listed } from "../parts/listed";
import { Page } from "../parts/page";
import { Pausing } from "../parts/pausing";
import { expression } from "../parts/rule";
import { Nothing, Shown } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { Moment, useNow } from "../parts/time";
import { useMay } from "../session";

const LATE = 60_000;
const SOURCES = [
  { value: "code", label: "made by code" },
  { value: "api", label: "made by hand" },
];

/** What a list is narrowed to; it stands in the address. */
interface Sought {
  search?: string;
  standing?: string;
  source?: string;
  task?: string;
  queue?: string;
  tag?: string;
  clock?: string;
  after?: string;
}

/** What runs by the clock, when next, and how it fared. */
export function Schedules() {
  const search: Sought = useSearch({ strict: false });
  const navigate = useNavigate();
  const [pausing, setPausing] = useState<string | null>(null);
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
  const seek = (to: Sought) => void navigate({ to: "/schedules", search: { ...to } });
  const narrow = (to: Sought) => seek({ ...search, after: undefined, ...to });
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
      <Filters key={search.search ?? ""} search={search} narrow={narrow} />
      <Shown of={list}>
        {({ data, page }) => (
          <>
            {data.length ? (
              <Listed
                label="Schedules"
                width={980}
                rows={data}
                keyOf={(each) => each.name}
                columns={columns(setPausing)}
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
      <Pausing name={pausing} close={() => setPausing(null)} />
    </Page>
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

function Filters({ search, narrow }: { search: Sought; narrow: (to: Sought) => void }) {
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

function columns(pause: (name: string) => void): Column<ScheduleListed>[] {
  return [
    { name: "On", of: (each) => <OnOff of={each} pause={pause} /> },
    { name: "Schedule", of: (each) => <Name of={each} /> },
    { name: "When", of: (each) => <When of={each} /> },
    {
      name: "Task",
      of: (each) => (
        <Going to="/schedules" search={{ task: each.task }} size="sm">
          {each.task}
        </Going>
      ),
    },
    { name: "Next", isNumber: true, of: (each) => <NextDue of={each} /> },
    { name: "Last", isNumber: true, of: (each) => <Last of={each} /> },
    { name: "7 days", isNumber: true, of: (each) => <Fared of={each} /> },
  ];
}

function Name({ of }: { of: ScheduleListed }) {
  return (
    <>
      <Going to="/schedules/$" params={{ _splat: of.name }} size="sm" fw={550}>
        {of.name}
      </Going>
      <Group gap={4} mt={2}>
        <Badges of={of} />
        <Badge size="xs" variant="default" tt="none">
          {of.source}
        </Badge>
        {of.tags.map((tag) => (
          <Going key={tag} to="/schedules" search={{ tag }} size="xs">
            #{tag}
          </Going>
        ))}
      </Group>
    </>
  );
}

function Mark({ color, children }: { color: string; children: ReactNode }) {
  return (
    <Badge size="xs" variant="light" color={color} tt="none">
      {children}
    </Badge>
  );
}

function Badges({ of }: { of: ScheduleListed }) {
  const now = useNow();
  const isOn = !of.paused_at && !of.broken;
  const isLate =
    isOn && !of.clock && of.next_due_at && new Date(of.next_due_at).getTime() < now - LATE;
  return (
    <>
      {of.broken && <Mark color="red">set aside</Mark>}
      {of.paused_at && <Mark color="yellow">paused by {of.paused_by}</Mark>}
      {isLate && <Mark color="red">late</Mark>}
      {of.totals.missed > 0 && (
        <Mark color="orange">missed {of.totals.missed.toLocaleString("en")}</Mark>
      )}
      {of.failures > 0 && <Mark color="red">{of.failures} failed in a row</Mark>}
      {of.skips > 0 && <Mark color="gray">skips {of.skips}</Mark>}
      {of.clock && <Mark color="blue">by clock {of.clock}</Mark>}
      {of.owner && <Mark color="gray">of {of.owner}</Mark>}
    </>
  );
}

function When({ of }: { of: ScheduleListed }) {
  return (
    <div style={{ maxWidth: "22rem" }}>
      <Text size="sm">{of.description}</Text>
      <div className="mono clip" style={{ color: "var(--mantine-color-dimmed)" }}>
        {expression(of.recurrence)}
      </div>
      {of.broken ? (
        <Text size="xs" c="red">
          {of.broken}
        </Text>
      ) : (
        of.warnings.length > 0 && (
          <Tooltip label={of.warnings.join("; ")} multiline maw={420}>
            <Text size="xs" c="yellow" w="fit-content">
              {of.warnings.length === 1 ? "1 warning" : `${of.warnings.length} warnings`}
            </Text>
          </Tooltip>
        )
      )}
    </div>
  );
}

function NextDue({ of }: { of: ScheduleListed }) {
  if (!of.paused_at) return <Moment at={of.next_due_at} />;
  if (!of.paused_until)
    return (
      <Text size="sm" c="dimmed">
        paused
      </Text>
    );
  return (
    <Text size="sm" c="dimmed" component="div">
      goes on <Moment at={of.paused_until} />
    </Text>
  );
}

function Last({ of }: { of: ScheduleListed }) {
  const state = of.recent?.last_state;
  return (
    <>
      <Moment at={of.last_due_at} />
      {state && of.last_job && (
        <div>
          <Link
            to="/jobs/$job"
            params={{ job: of.last_job }}
            aria-label={`Last job: ${state}`}
            style={{ display: "inline-flex", minWidth: "max-content" }}
          >
            <StateBadge of={state} />
          </Link>
        </div>
      )}
    </>
  );
}

function Fared({ of }: { of: ScheduleListed }) {
  const recent = of.recent;
  const ended = recent ? recent.completed + recent.failed : 0;
  if (!recent || !ended)
    return (
      <Text size="sm" c="dimmed">
        –
      </Text>
    );
  // Rounded down: one failure of many is no 100 %.
  const share = Math.floor((1000 * recent.completed) / ended) / 10;
  return (
    <Tooltip label={`${recent.completed} completed, ${recent.failed} failed in 7 days`}>
      <Text size="sm" c={recent.failed ? "red" : undefined} fw={recent.failed ? 600 : undefined}>
        {share} %{" "}
        <Text span size="xs" c="dimmed">
          of {ended.toLocaleString("en")}
        </Text>
      </Text>
    </Tooltip>
  );
}

function OnOff({ of, pause }: { of: ScheduleListed; pause: (name: string) => void }) {
  const may = useMay("schedules:trigger");
  const resume = useAct({
    does: () => told(schedulesResume({ path: { name: of.name } })),
    done: `${of.name} is on again.`,
    reads: ["schedules", "calendar"],
  });
  return (
    <Tooltip label="You lack schedules:trigger" disabled={may}>
      <Switch
        size="xs"
        checked={!of.paused_at}
        disabled={!may || resume.isPending}
        onChange={() => (of.paused_at ? resume.mutate() : pause(of.name))}
        aria-label={`${of.name} is on`}
      />
    </Tooltip>
  );
}
