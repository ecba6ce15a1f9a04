import "@mantine/core/styles/Combobox.css";
import "@mantine/core/styles/Pill.css";
import "@mantine/core/styles/PillsInput.css";
import {
  Autocomplete,
  Button,
  Grid,
  Group,
  SegmentedControl,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Refused, told } from "../api";
import { jobsEnqueue, jobsGet, queuesList, tasksList } from "../client/sdk.gen";
import type { JobIn, TaskOut } from "../client/types.gen";
import { refusals, useAct } from "../parts/act";
import { at, type Exact, exactly, Fields, Numeral, write } from "../parts/exact";
import { JsonField, objectOf } from "../parts/json";
import { Page } from "../parts/page";
import { Shown, Wrong } from "../parts/shown";
import { useMay } from "../session";

type When = "now" | "delay" | "at";

/** What stands in the form. */
interface Form {
  task: string;
  args: string;
  queue: string;
  priority: string;
  when: When;
  due: string;
  tags: string[];
  key: string;
}

const EMPTY: Form = {
  task: "",
  args: "{}",
  queue: "",
  priority: "",
  when: "now",
  due: "",
  tags: [],
  key: "",
};

/** Asks for a job: a new one, or one like another with other arguments. */
export function NewJob() {
  const { from, task } = useSearch({ from: "/new/job" });
  return from ? <Like job={from} /> : <Asking form={{ ...EMPTY, task: task ?? "" }} />;
}

function Like({ job }: { job: string }) {
  const found = useQuery({
    queryKey: ["jobs", job],
    queryFn: () => exactly(jobsGet({ path: { job }, parseAs: "text" })),
    placeholderData: undefined,
  });
  return (
    <Shown of={found}>
      {({ said, exact }) => (
        <Asking
          key={said.id}
          like={said.id}
          form={{
            ...EMPTY,
            task: said.task,
            args: write(at(exact, "args") ?? new Fields([]), 2),
            queue: said.queue,
            priority: String(said.priority),
            tags: said.tags,
          }}
        />
      )}
    </Shown>
  );
}

/** The body as it is sent: what was left empty is left to the task, and arguments keep all digits. */
function bodyOf(form: Form, args: Fields): string {
  const entries: [string, Exact][] = [
    ["task", form.task.trim()],
    ["args", args],
  ];
  if (form.queue.trim()) entries.push(["queue", form.queue.trim()]);
  if (form.priority.trim()) entries.push(["priority", priorityOf(form.priority.trim())]);
  if (form.when !== "now") entries.push([form.when, form.due.trim()]);
  if (form.tags.length) entries.push(["tags", form.tags]);
  if (form.key) entries.push(["key", form.key]);
  return write(new Fields(entries));
}

/** A number where it is one; else as it stands, for the server to say what is wrong with it. */
const priorityOf = (said: string): Exact =>
  /^\d+$/.test(said) ? new Numeral(String(Number(said))) : said;

function Asking({ form: first, like }: { form: Form; like?: string }) {
  const [form, setForm] = useState(first);
  const navigate = useNavigate();
  const may = useMay("jobs:enqueue");
  const change = (to: Partial<Form>) => setForm((before) => ({ ...before, ...to }));
  const ask = useAct({
    does: (body: string) => told(jobsEnqueue({ body: {} as JobIn, bodySerializer: () => body })),
    done: (made) => (made.is_new ? "It is asked for." : "Another has this key: this is that one."),
    reads: ["jobs"],
    after: (made) => {
      for (const message of made.warnings) notifications.show({ message, color: "yellow" });
      void navigate({ to: "/jobs/$job", params: { job: made.id } });
    },
    isShown: true,
  });
  const wrong = refusals(ask.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    const args = objectOf(form.args);
    if (args.wrong === null) ask.mutate(bodyOf(form, args.value));
  }

  return (
    <Page title={like ? "Run another" : "New job"}>
      {like && (
        <Text size="sm" c="dimmed">
          Like <span className="mono">{like}</span>; change what shall differ. A hidden argument has
          to be given again.
        </Text>
      )}
      {ask.error && !Object.keys(wrong).length && <Wrong error={ask.error} />}
      <form onSubmit={submit}>
        <Grid>
          <Grid.Col span={{ base: 12, md: 7 }}>
            <What form={form} change={change} wrong={{ ...wrong, ...ofArgs(ask.error) }} />
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 5 }}>
            <How form={form} change={change} wrong={wrong} />
          </Grid.Col>
        </Grid>
        <Group mt="md">
          <Button type="submit" loading={ask.isPending} disabled={!may}>
            Ask for it
          </Button>
          {!may && <Text size="sm">You lack jobs:enqueue.</Text>}
        </Group>
      </form>
    </Page>
  );
}

/** What was refused of the arguments, each with its name. */
function ofArgs(error: Error | null): Record<string, string> {
  const errors = error instanceof Refused ? (error.problem.errors ?? []) : [];
  const told = errors
    .filter(({ field }) => field === "args" || field.startsWith("args."))
    .map(({ field, detail }) => (field === "args" ? detail : `${field.slice(5)}: ${detail}`));
  return told.length ? { args: told.join("; ") } : {};
}

interface FieldsOf {
  form: Form;
  change: (to: Partial<Form>) => void;
  wrong: Record<string, string>;
}

function What({ form, change, wrong }: FieldsOf) {
  const tasks = useQuery({
    queryKey: ["workers", "tasks"],
    queryFn: () => told(tasksList()),
    enabled: useMay("workers:read"),
  });
  const known = tasks.data?.data ?? [];
  const task = known.find((each) => each.name === form.task);
  return (
    <Stack gap="sm">
      <Autocomplete
        label="Task"
        required
        data={[...new Set(known.map((each) => each.name))]}
        value={form.task}
        error={wrong.task}
        onChange={(to) => change({ task: to })}
      />
      <JsonField
        label="Arguments"
        description={task && takes(task)}
        text={form.args}
        change={(args) => change({ args })}
        error={wrong.args}
      />
    </Stack>
  );
}

/** What a task takes, in words. */
function takes(task: TaskOut): string {
  if (!task.arguments.length) return "It takes none.";
  const told = task.arguments.map(
    (each) => `${each.name}: ${each.type}${each.required ? "" : " (may be left out)"}`,
  );
  return `It takes ${told.join(", ")}.`;
}

function How({ form, change, wrong }: FieldsOf) {
  const queues = useQuery({
    queryKey: ["queues"],
    queryFn: () => told(queuesList()),
    enabled: useMay("queues:read"),
  });
  return (
    <Stack gap="sm">
      <Autocomplete
        label="Queue"
        placeholder="as its task says"
        data={queues.data?.data.map((each) => each.name) ?? []}
        value={form.queue}
        error={wrong.queue}
        onChange={(queue) => change({ queue })}
      />
      <TextInput
        label="Priority"
        description="0 to 10; 10 is the most urgent"
        placeholder="as its task says"
        inputMode="numeric"
        value={form.priority}
        error={wrong.priority}
        onChange={(event) => change({ priority: event.currentTarget.value })}
      />
      <div>
        <Text size="sm" fw={500} mb={4}>
          When
        </Text>
        <SegmentedControl
          aria-label="When"
          fullWidth
          value={form.when}
          onChange={(when) => change({ when: when as When, due: "" })}
          data={[
            { value: "now", label: "At once" },
            { value: "delay", label: "After" },
            { value: "at", label: "At" },
          ]}
        />
        {form.when !== "now" && (
          <TextInput
            mt={6}
            aria-label={form.when === "at" ? "Not before" : "After how long"}
            required
            placeholder={form.when === "at" ? "2027-01-04T08:00:00+01:00" : "15m"}
            description={form.when === "at" ? "A moment with its zone" : undefined}
            value={form.due}
            error={wrong[form.when]}
            onChange={(event) => change({ due: event.currentTarget.value })}
            classNames={{ input: "mono" }}
          />
        )}
      </div>
      <TagsInput
        label="Tags"
        value={form.tags}
        error={wrong.tags}
        onChange={(tags) => change({ tags })}
      />
      <TextInput
        label="Unique key"
        description="While a job has it, no other is made"
        value={form.key}
        error={wrong.key}
        onChange={(event) => change({ key: event.currentTarget.value })}
      />
    </Stack>
  );
}
