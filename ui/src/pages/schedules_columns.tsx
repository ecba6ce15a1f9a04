import { Badge, Group, Switch, Text, Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { told } from "../api";
import { schedulesResume } from "../client/sdk.gen";
import type { ScheduleListed } from "../client/types.gen";
import { useAct } from "../parts/act";
import { ChoosePage, ChooseRow, type Choosing, isChosen } from "../parts/choosing_boxes";
import { Going } from "../parts/going";
import type { Column } from "../parts/listed";
import { expression } from "../parts/rule";
import { StateBadge } from "../parts/state";
import { Strip } from "../parts/strip";
import { Moment, useNow } from "../parts/time";
import { useMay } from "../session";

const LATE = 60_000;

interface ColumnsOf {
  choosing: Choosing;
  /** The names on the page, from the top. */
  order: string[];
  isOld: boolean;
  pause: (name: string) => void;
}

/** What is told of a schedule in a list. */
export function columns({ pause, ...of }: ColumnsOf): Column<ScheduleListed>[] {
  return [
    {
      name: "Chosen",
      head: <ChoosePage {...of} />,
      of: (each) => (
        <ChooseRow
          id={each.name}
          isChosen={isChosen(of.choosing, each.name)}
          click={(id, isRange) => !of.isOld && of.choosing.click(of.order, id, isRange)}
        />
      ),
    },
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

/** When it was due, what its last job came to, and below it what its last moments did. */
function Last({ of }: { of: ScheduleListed }) {
  const state = of.recent?.last_state;
  return (
    <>
      <Group gap={6} justify="flex-end" wrap="nowrap">
        <Moment at={of.last_due_at} />
        {state && of.last_job && (
          <Link
            to="/jobs/$job"
            params={{ job: of.last_job }}
            aria-label={`Last job: ${state}`}
            style={{ display: "inline-flex", minWidth: "max-content" }}
          >
            <StateBadge of={state} />
          </Link>
        )}
      </Group>
      <Strip of={of.recent?.moments ?? []} />
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
