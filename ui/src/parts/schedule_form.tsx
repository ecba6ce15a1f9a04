import "@mantine/core/styles/Combobox.css";
import "@mantine/core/styles/Pill.css";
import "@mantine/core/styles/PillsInput.css";
import "@mantine/core/styles/Checkbox.css";
import "@mantine/core/styles/Fieldset.css";
import "@mantine/core/styles/Accordion.css";
import {
  Accordion,
  Alert,
  Button,
  Card,
  Grid,
  Group,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import type { FormEvent, ReactNode } from "react";
import { told } from "../api";
import {
  calendarsList,
  clocksList,
  queuesList,
  schedulesPreview,
  tasksList,
} from "../client/sdk.gen";
import type { PreviewIn } from "../client/types.gen";
import { NextRuns } from "./next_runs";
import { isObject, spread } from "./raw_json";
import { asked, EMPTY, type Kind, type Rule } from "./rule";
import { nameOf } from "./time";

/** All that a schedule says, as it stands in the form: texts, empty where it says nothing. */
export interface Draft {
  name: string;
  task: string;
  args: string;
  rule: Rule;
  queue: string;
  priority: string;
  overlap: string;
  catch_up: string;
  jitter: string;
  pause_after: string;
  start_at: string;
  end_at: string;
  limit: string;
  timeout: string;
  start_within: string;
  clock: string;
  keep_completed: string;
  keep_failed: string;
  why: string;
}

export const BLANK: Draft = {
  name: "",
  task: "",
  args: "{}",
  rule: { ...EMPTY, tz: nameOf("mine") },
  queue: "",
  priority: "",
  overlap: "",
  catch_up: "",
  jitter: "",
  pause_after: "",
  start_at: "",
  end_at: "",
  limit: "",
  timeout: "",
  start_within: "",
  clock: "",
  keep_completed: "",
  keep_failed: "",
  why: "",
};

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

export const ZONES = [
  "UTC",
  ...Intl.supportedValuesOf("timeZone").filter((each) => each !== "UTC"),
];

const OVERLAPS = [
  { value: "skip", label: "leave the moment out (skip)" },
  { value: "allow", label: "make a job all the same (allow)" },
  { value: "buffer one", label: "let one moment wait (buffer one)" },
  { value: "buffer all", label: "let all wait (buffer all)" },
  { value: "cancel running", label: "stop the job (cancel running)" },
];

interface FormOf {
  draft: Draft;
  change: (to: Partial<Draft>) => void;
  /** What was refused, by field. */
  wrong: Record<string, string>;
  /** What it is called, and what saves it. */
  title: string;
  save: string;
  submit: () => void;
  isSaving: boolean;
  /** Why it cannot be saved. */
  off?: string | false;
  isNew: boolean;
  /** Above the form: what else is to be known. */
  children?: ReactNode;
}

/** A schedule in the making or changed: its fields, and beside them what the server makes of it. */
export function ScheduleForm(props: FormOf) {
  const { draft, change, wrong, title, save, submit, isSaving, off, isNew, children } = props;
  const text = (name: keyof Draft) => ({
    value: draft[name] as string,
    error: wrong[name],
    onChange: (event: { currentTarget: { value: string } }) =>
      change({ [name]: event.currentTarget.value }),
  });

  function submitted(event: FormEvent): void {
    event.preventDefault();
    if (isObject(draft.args)) submit();
  }

  return (
    <form onSubmit={submitted} noValidate={false}>
      <Stack gap="sm">
        <Title order={1} size="h3">
          {title}
        </Title>
        {children}
        <Grid>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Stack gap="sm">
              {isNew && <TextInput label="Name" required {...text("name")} />}
              <TaskField draft={draft} change={change} wrong={wrong} />
              <WhenFields
                rule={draft.rule}
                change={(to) => change({ rule: { ...draft.rule, ...to } })}
                wrong={wrong}
              />
              <Arguments
                value={draft.args}
                change={(args) => change({ args })}
                wrong={wrong.args}
              />
              <More {...props} text={text} />
              {!isNew && (
                <TextInput
                  label="Why it is changed"
                  description="For those who ask later"
                  {...text("why")}
                />
              )}
              <Group>
                <Button type="submit" loading={isSaving} disabled={Boolean(off)}>
                  {save}
                </Button>
                {off && (
                  <Text size="sm" c="dimmed">
                    {off}
                  </Text>
                )}
              </Group>
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Preview rule={draft.rule} />
          </Grid.Col>
        </Grid>
      </Stack>
    </form>
  );
}

type Part = Pick<FormOf, "draft" | "change" | "wrong">;

function TaskField({ draft, change, wrong }: Part) {
  const tasks = useQuery({ queryKey: ["workers", "tasks"], queryFn: () => told(tasksList()) });
  const known = tasks.data?.data.map((each) => each.name) ?? [];
  const data = [...new Set([...known, ...(draft.task ? [draft.task] : [])])].sort();
  return (
    <Select
      label="Task"
      required
      searchable
      data={data}
      value={draft.task || null}
      error={wrong.task}
      nothingFoundMessage="No worker has such a task"
      onChange={(to) => change({ task: to ?? "" })}
    />
  );
}

interface WhenOf {
  rule: Rule;
  change: (to: Partial<Rule>) => void;
  wrong: Record<string, string>;
}

function WhenFields({ rule, change, wrong }: WhenOf) {
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

/** Arguments as JSON, kept as they are typed: numbers of any size stay exact. */
export function Arguments({
  value,
  change,
  wrong,
}: {
  value: string;
  change: (to: string) => void;
  wrong?: string;
}) {
  const isRight = isObject(value);
  return (
    <Textarea
      label="Arguments"
      description="A JSON object; *** keeps a secret as it is"
      autosize
      minRows={3}
      maxRows={20}
      spellCheck={false}
      value={value}
      onChange={(event) => change(event.currentTarget.value)}
      onBlur={() => isRight && change(spread(value))}
      error={isRight ? wrong : 'Give a JSON object, like {"limit": 10}'}
      classNames={{ input: "mono" }}
    />
  );
}

type Texts = (name: keyof Draft) => {
  value: string;
  error: string | undefined;
  onChange: (event: { currentTarget: { value: string } }) => void;
};

/** The fields of each part that is folded away until it is asked for, or says something. */
const PARTS: Record<string, (keyof Draft)[]> = {
  policies: ["overlap", "catch_up", "jitter", "pause_after"],
  bounds: ["start_at", "end_at", "limit"],
  jobs: ["queue", "priority", "timeout", "start_within", "keep_completed", "keep_failed"],
};
const OF_RULE: (keyof Rule)[] = ["except_cron", "closed", "workdays", "gap", "fold", "day_match"];

function More({ draft, change, wrong, isNew, text }: FormOf & { text: Texts }) {
  const says = Object.entries(PARTS).filter(([, names]) =>
    names.some((name) => draft[name] || wrong[name]),
  );
  const hasExceptions = OF_RULE.some((name) => draft.rule[name] || wrong[name]) || wrong.otherwise;
  const open = [...says.map(([name]) => name), ...(hasExceptions ? ["exceptions"] : [])];
  const named = Object.keys(wrong).join();
  return (
    <Accordion multiple defaultValue={open} key={named} variant="contained">
      <Folded value="exceptions" title="Exceptions: working days, closed times, moved clocks">
        <Exceptions
          rule={draft.rule}
          change={(to) => change({ rule: { ...draft.rule, ...to } })}
          wrong={wrong}
        />
      </Folded>
      <Folded value="policies" title="Policies: overlap, catch-up, jitter, failures">
        <Select
          label="While its last job still runs"
          clearable
          placeholder="leave the moment out (skip)"
          data={OVERLAPS}
          value={draft.overlap || null}
          error={wrong.overlap}
          onChange={(to) => change({ overlap: to ?? "" })}
        />
        <TextInput
          label="Moments that nobody could run"
          description="latest, first, all or none; within how long; of all at most how many, and how far apart"
          placeholder="latest within 1d"
          {...text("catch_up")}
        />
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            label="Jitter"
            description="Each runs up to so much later"
            placeholder="5m"
            {...text("jitter")}
          />
          <TextInput
            label="Pause after failures"
            description="In a row; never if empty"
            inputMode="numeric"
            {...text("pause_after")}
          />
        </SimpleGrid>
      </Folded>
      <Folded value="bounds" title="From, until, how often">
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            label="Due from"
            description="A moment with its offset"
            placeholder="2027-01-04T00:00:00+01:00"
            {...text("start_at")}
          />
          <TextInput
            label="Due until"
            description="Included"
            placeholder="2027-12-31T23:59:59+01:00"
            {...text("end_at")}
          />
          <TextInput label="Jobs in all" inputMode="numeric" {...text("limit")} />
        </SimpleGrid>
      </Folded>
      <Folded value="jobs" title="Its jobs: queue, priority, time, what is kept">
        <Jobs draft={draft} change={change} wrong={wrong} isNew={isNew} text={text} />
      </Folded>
    </Accordion>
  );
}

function Folded({ value, title, children }: { value: string; title: string; children: ReactNode }) {
  return (
    <Accordion.Item value={value}>
      <Accordion.Control>
        <Text size="sm">{title}</Text>
      </Accordion.Control>
      <Accordion.Panel>
        <Stack gap="sm">{children}</Stack>
      </Accordion.Panel>
    </Accordion.Item>
  );
}

function Exceptions({ rule, change, wrong }: WhenOf) {
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

function Jobs({ draft, change, wrong, isNew, text }: Part & { isNew: boolean; text: Texts }) {
  const queues = useQuery({
    queryKey: ["queues"],
    queryFn: () => told(queuesList()),
    retry: false,
  });
  const known = queues.data?.data.map((each) => each.name) ?? [];
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput
          label="Queue"
          placeholder="as its task says"
          description={known.length ? `There are ${known.slice(0, 5).join(", ")}` : undefined}
          {...text("queue")}
        />
        <Select
          label="Priority"
          clearable
          placeholder="as its task says"
          data={Array.from({ length: 11 }, (_, at) => ({
            value: String(at),
            label: at === 10 ? "10, the most urgent" : String(at),
          }))}
          value={draft.priority || null}
          error={wrong.priority}
          onChange={(to) => change({ priority: to ?? "" })}
        />
        {isNew && (
          <>
            <TextInput label="Each may take" placeholder="as its task says" {...text("timeout")} />
            <TextInput
              label="Each begins within"
              description="Or is called off"
              placeholder="10m"
              {...text("start_within")}
            />
          </>
        )}
        <TextInput
          label="Kept of completed jobs"
          description="A number, a time, or both"
          placeholder="100,30d"
          {...text("keep_completed")}
          error={wrong["keep.completed"] ?? wrong.keep}
        />
        <TextInput
          label="Kept of failed jobs"
          description="A number, a time, or both"
          placeholder="90d"
          {...text("keep_failed")}
          error={wrong["keep.failed"]}
        />
      </SimpleGrid>
      {isNew && <ClockField draft={draft} change={change} wrong={wrong} />}
    </>
  );
}

function ClockField({ draft, change, wrong }: Part) {
  const clocks = useQuery({
    queryKey: ["clocks"],
    queryFn: () => told(clocksList({ query: { limit: 500 } })),
    retry: false,
  });
  const known = clocks.data?.data.map((each) => each.name) ?? [];
  return (
    <Select
      label="By the clock"
      description="A virtual clock moves only when it is told to"
      clearable
      placeholder="of the wall"
      data={[...new Set([...known, ...(draft.clock ? [draft.clock] : [])])]}
      nothingFoundMessage="There is no virtual clock"
      value={draft.clock || null}
      error={wrong.clock}
      onChange={(to) => change({ clock: to ?? "" })}
    />
  );
}

/** What the server makes of a rule: words, warnings, and its next moments. */
function Preview({ rule }: { rule: Rule }) {
  const [settled] = useDebouncedValue(rule, 200);
  const body = tried(settled);
  const preview = useQuery({
    queryKey: ["preview", settled],
    queryFn: () => told(schedulesPreview({ body: { ...body, count: 10 } as PreviewIn })),
    enabled: body !== null && settled.text.trim() !== "",
    placeholderData: undefined,
    retry: false,
  });
  const zone = settled.kind === "once" || settled.kind === "spec" ? "UTC" : settled.tz;
  return (
    <Card withBorder padding="sm" aria-live="polite" style={{ position: "sticky", top: 64 }}>
      <Title order={2} size="h5" mb="xs">
        What that means
      </Title>
      {!settled.text.trim() && (
        <Text size="sm" c="dimmed">
          Say when, and its next moments stand here.
        </Text>
      )}
      {body === null && (
        <Text size="sm" c="red">
          That is no JSON.
        </Text>
      )}
      {preview.error && (
        <Text size="sm" c="red">
          {preview.error.message}
        </Text>
      )}
      {settled.text.trim() && !preview.error && preview.data && (
        <Stack gap="xs">
          <Text fw={600}>{preview.data.description}</Text>
          {preview.data.warnings.map((each) => (
            <Alert key={each} color="yellow" p="xs">
              {each}
            </Alert>
          ))}
          <NextRuns runs={preview.data.runs} zone={zone} />
        </Stack>
      )}
    </Card>
  );
}

function tried(rule: Rule): Record<string, unknown> | null {
  try {
    return asked(rule);
  } catch {
    return null;
  }
}
