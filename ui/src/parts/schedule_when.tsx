import "@mantine/core/styles/Combobox.css";
import { Button, Group, SegmentedControl, Select, SimpleGrid, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import { calendarsList } from "../client/sdk.gen";
import type { Kind, Rule } from "./rule";
import { ZONES } from "./zones";

const TABS: { value: Kind; label: string }[] = [
  { value: "cron", label: "Cron" },
  { value: "every", label: "Every" },
  { value: "rrule", label: "Rule" },
  { value: "once", label: "Once" },
  { value: "spec", label: "JSON" },
];

const LIKE: Record<Kind, string> = {
  cron: "0 9 * * mon-fri",
  every: "15m",
  rrule: "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18",
  once: "2027-01-04T08:00:00Z",
  spec: '{"kind": "after_finish", "every": "10m"}',
};

const HINT: Record<Kind, string> = {
  cron: "Five fields, or six with seconds first; one expression in each line.",
  every: "How far apart: 30s, 15m, 6h, 1d. A day is a day of the zone.",
  rrule: "A rule of RFC 5545, as calendars have them.",
  once: "Moments with their offset, one in each line.",
  spec: "What `recurrence` is answered as: what no field can say.",
};

const PRESETS: [label: string, kind: Kind, text: string][] = [
  ["every 5 minutes", "every", "5m"],
  ["hourly at :07", "cron", "7 * * * *"],
  ["daily at 02:30", "cron", "30 2 * * *"],
  ["working days at 9", "cron", "0 9 * * mon-fri"],
  ["Mondays at 7", "cron", "0 7 * * mon"],
  ["1st of the month", "cron", "0 6 1 * *"],
  ["last Friday at 18", "rrule", "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18;BYMINUTE=0;BYSECOND=0"],
];

interface WhenOf {
  rule: Rule;
  change: (to: Partial<Rule>) => void;
  wrong: Record<string, string>;
}

/** When: what kind of rule, and the rule. */
export function WhenFields({ rule, change, wrong }: WhenOf) {
  const lines = rule.text.split("\n").length;
  const isOfClock = rule.kind === "cron" || rule.kind === "rrule";
  return (
    <>
      <Group gap={6} role="group" aria-label="Often asked for">
        {PRESETS.map(([label, kind, text]) => (
          <Button
            key={label}
            size="compact-xs"
            variant="default"
            onClick={() => change({ kind, text })}
          >
            {label}
          </Button>
        ))}
      </Group>
      <SegmentedControl
        aria-label="Kind"
        data={TABS}
        value={rule.kind}
        onChange={(kind) => change({ kind: kind as Kind, text: "" })}
      />
      <Textarea
        label="When"
        description={HINT[rule.kind]}
        required
        autosize
        minRows={1}
        maxRows={12}
        rows={lines}
        value={rule.text}
        placeholder={LIKE[rule.kind]}
        error={wrong[rule.kind === "spec" ? "recurrence" : rule.kind]}
        onChange={(event) => change({ text: event.currentTarget.value })}
        classNames={{ input: "mono" }}
      />
      {(isOfClock || rule.kind === "every") && (
        <Select
          label="Zone"
          searchable
          allowDeselect={false}
          data={ZONES}
          value={rule.tz}
          error={wrong.tz}
          onChange={(tz) => change({ tz: tz ?? "UTC" })}
        />
      )}
    </>
  );
}

/** What of a rule’s moments is left out, moved, or read otherwise. */
export function Exceptions({ rule, change, wrong }: WhenOf) {
  const calendars = useQuery({
    queryKey: ["calendars"],
    queryFn: () => told(calendarsList({ query: { limit: 500 } })),
    retry: false,
  });
  const known = calendars.data?.data.map((each) => each.name) ?? [];
  const isOfClock = rule.kind === "cron" || rule.kind === "rrule";
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <Select
          label="Only on working days of"
          clearable
          placeholder="every day"
          data={[...new Set([...known, ...(rule.workdays ? [rule.workdays] : [])])]}
          nothingFoundMessage="There is no such calendar"
          value={rule.workdays || null}
          error={wrong.workdays}
          onChange={(to) => change({ workdays: to ?? "" })}
        />
        <Select
          label="On other days"
          clearable
          placeholder="left out (skip)"
          disabled={!rule.workdays}
          data={[
            { value: "skip", label: "left out (skip)" },
            { value: "forward", label: "moved to the next working day" },
            { value: "back", label: "moved to the one before" },
          ]}
          value={rule.otherwise || null}
          error={wrong.otherwise}
          onChange={(to) => change({ otherwise: to ?? "" })}
        />
      </SimpleGrid>
      <Textarea
        label="But not at the moments of"
        description="Cron expressions, one in each line"
        autosize
        placeholder="0 9 1 jan *"
        value={rule.except_cron}
        error={wrong.except_cron}
        classNames={{ input: "mono" }}
        onChange={(event) => change({ except_cron: event.currentTarget.value })}
      />
      <Textarea
        label="Closed times"
        description="BEGIN/END, one in each line: nothing is due between"
        autosize
        placeholder="2027-08-01T00:00Z/2027-08-15T00:00Z"
        value={rule.closed}
        error={wrong.closed}
        classNames={{ input: "mono" }}
        onChange={(event) => change({ closed: event.currentTarget.value })}
      />
      {isOfClock && (
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <Select
            label="A time that the clock leaves out"
            clearable
            placeholder="at the gap's end (after)"
            data={[
              { value: "after", label: "at the gap's end (after)" },
              { value: "skip", label: "not at all (skip)" },
              { value: "shift", label: "as much later (shift)" },
            ]}
            value={rule.gap || null}
            error={wrong.gap}
            onChange={(to) => change({ gap: to ?? "" })}
          />
          <Select
            label="A time that the clock repeats"
            clearable
            placeholder="the first time (first)"
            data={[
              { value: "first", label: "the first time (first)" },
              { value: "second", label: "the second time (second)" },
              { value: "both", label: "both times (both)" },
            ]}
            value={rule.fold || null}
            error={wrong.fold}
            onChange={(to) => change({ fold: to ?? "" })}
          />
        </SimpleGrid>
      )}
      {rule.kind === "cron" && (
        <Select
          label="Days of the month and of the week"
          clearable
          placeholder="either fits (or)"
          data={[
            { value: "or", label: "either fits (or)" },
            { value: "and", label: "both fit (and)" },
          ]}
          value={rule.day_match || null}
          error={wrong.day_match}
          onChange={(to) => change({ day_match: to ?? "" })}
        />
      )}
    </>
  );
}
