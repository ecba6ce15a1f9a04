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
  Grid,
  Group,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { FormEvent, ReactNode } from "react";
import { told } from "../api";
import { tasksList } from "../client/sdk.gen";
import { type Draft, shownBy } from "./draft";
import { isObject, spread } from "./raw_json";
import type { Rule } from "./rule";
import { Jobs, type Part, type Texts } from "./schedule_jobs";
import { Preview } from "./schedule_preview";
import { Exceptions, WhenFields } from "./schedule_when";

const OVERLAPS = [
  { value: "skip", label: "leave the moment out (skip)" },
  { value: "allow", label: "make a job all the same (allow)" },
  { value: "buffer one", label: "let one moment wait (buffer one)" },
  { value: "buffer all", label: "let all wait (buffer all)" },
  { value: "cancel running", label: "stop the job (cancel running)" },
];

interface FormOf extends Part {
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
        <Elsewhere wrong={wrong} isNew={isNew} />
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

/** What was refused of fields that do not stand here. */
function Elsewhere({ wrong, isNew }: { wrong: Record<string, string>; isNew: boolean }) {
  const others = Object.entries(wrong).filter(
    ([field]) => !field.includes(".") && !shownBy(field, isNew),
  );
  return others.map(([field, told]) => (
    <Alert key={field} color="red" p="xs" role="alert">
      {field}: {told}
    </Alert>
  ));
}

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

/** The fields of each part that is folded away until it is asked for, or says something. */
const PARTS: Record<string, (keyof Draft | "keep")[]> = {
  policies: ["overlap", "catch_up", "jitter", "pause_after"],
  bounds: ["start_at", "end_at", "limit"],
  jobs: [
    "queue",
    "priority",
    "timeout",
    "start_within",
    "clock",
    "keep_completed",
    "keep_failed",
    "keep",
  ],
};
const OF_RULE: (keyof Rule)[] = ["except_cron", "closed", "workdays", "gap", "fold", "day_match"];

function More({ draft, change, wrong, isNew, text }: FormOf & { text: Texts }) {
  const says = Object.entries(PARTS).filter(([, names]) =>
    names.some((name) => (name !== "keep" && draft[name]) || wrong[name]),
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
