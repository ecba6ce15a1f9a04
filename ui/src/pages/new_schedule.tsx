import "@mantine/core/styles/Combobox.css";
import "@mantine/core/styles/Pill.css";
import "@mantine/core/styles/PillsInput.css";
import {
  Alert,
  Button,
  Card,
  Grid,
  Group,
  JsonInput,
  SegmentedControl,
  Select,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { schedulesCreate, schedulesPreview, tasksList } from "../client/sdk.gen";
import type { JsonValue, ScheduleIn } from "../client/types.gen";
import { refusals, useAct } from "../parts/act";
import { Wrong } from "../parts/shown";
import { local, Moment, moment, nameOf } from "../parts/time";

const KINDS = { cron: "Cron", every: "Every", rrule: "Rule", once: "Once" } as const;
type Kind = keyof typeof KINDS;
const LIKE: Record<Kind, string> = {
  cron: "0 9 * * mon-fri",
  every: "15m",
  rrule: "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18",
  once: "2027-01-04T08:00:00Z",
};
const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((each) => each !== "UTC")];
const OVERLAPS = ["skip", "allow", "buffer one", "buffer all", "cancel running"];

/** When something is due, as it stands in the form. */
interface When {
  kind: Kind;
  text: string;
  tz: string;
}

function asked({ kind, text, tz }: When) {
  return { [kind]: text, ...(kind === "once" || kind === "every" ? {} : { tz }) };
}

/** A new schedule: the form, and beside it what the server makes of it, before anything is saved. */
export function NewSchedule() {
  const [name, setName] = useState("");
  const [task, setTask] = useState("");
  const [args, setArgs] = useState("{}");
  const [overlap, setOverlap] = useState<string | null>(null);
  const [when, setWhen] = useState<When>({ kind: "cron", text: "", tz: nameOf("mine") });
  const navigate = useNavigate();
  const tasks = useQuery({ queryKey: ["workers", "tasks"], queryFn: () => told(tasksList()) });
  const save = useAct({
    does: (body: ScheduleIn) => told(schedulesCreate({ body })),
    done: (made) => `${made.name} is scheduled.`,
    reads: ["schedules"],
    after: (made) => void navigate({ to: "/schedules/$", params: { _splat: made.name } }),
    isShown: true,
  });
  const wrong = refusals(save.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    const read = parsed(args);
    if (!read) return;
    save.mutate({ name, task, args: read, overlap, ...asked(when) } as ScheduleIn);
  }

  return (
    <form onSubmit={submit}>
      <Stack>
        <Title order={1} size="h3">
          New schedule
        </Title>
        {save.error && !Object.keys(wrong).length && <Wrong error={save.error} />}
        <Grid>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Stack gap="sm">
              <TextInput
                label="Name"
                required
                value={name}
                error={wrong.name}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <Select
                label="Task"
                required
                searchable
                data={tasks.data?.data.map((each) => each.name) ?? []}
                value={task || null}
                error={wrong.task}
                nothingFoundMessage="No worker has such a task"
                onChange={(to) => setTask(to ?? "")}
              />
              <WhenFields when={when} change={setWhen} wrong={wrong} />
              <JsonInput
                label="Arguments"
                autosize
                minRows={3}
                value={args}
                onChange={setArgs}
                error={parsed(args) ? wrong.args : 'Give a JSON object, like {"limit": 10}'}
                classNames={{ input: "mono" }}
              />
              <Select
                label="While its last job still runs"
                clearable
                placeholder="as the server has it by default"
                data={OVERLAPS}
                value={overlap}
                error={wrong.overlap}
                onChange={setOverlap}
              />
              <Group>
                <Button type="submit" loading={save.isPending}>
                  Schedule it
                </Button>
              </Group>
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Preview when={when} />
          </Grid.Col>
        </Grid>
      </Stack>
    </form>
  );
}

interface WhenOf {
  when: When;
  change: (to: When) => void;
  wrong: Record<string, string>;
}

function WhenFields({ when, change, wrong }: WhenOf) {
  return (
    <>
      <SegmentedControl
        aria-label="Kind"
        data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
        value={when.kind}
        onChange={(kind) => change({ ...when, kind: kind as Kind, text: "" })}
      />
      <TextInput
        label="When"
        required
        value={when.text}
        placeholder={LIKE[when.kind]}
        error={wrong[when.kind]}
        onChange={(event) => change({ ...when, text: event.currentTarget.value })}
        classNames={{ input: "mono" }}
      />
      {(when.kind === "cron" || when.kind === "rrule") && (
        <Select
          label="Zone"
          searchable
          data={ZONES}
          value={when.tz}
          error={wrong.tz}
          onChange={(tz) => change({ ...when, tz: tz ?? "UTC" })}
        />
      )}
    </>
  );
}

function Preview({ when }: { when: When }) {
  const [settled] = useDebouncedValue(when, 200);
  const preview = useQuery({
    queryKey: ["preview", settled],
    queryFn: () => told(schedulesPreview({ body: { ...asked(settled), count: 10 } })),
    enabled: settled.text.trim() !== "",
    retry: false,
  });
  return (
    <Card withBorder padding="sm" aria-live="polite">
      <Title order={2} size="h5" mb="xs">
        What that means
      </Title>
      {!settled.text.trim() && (
        <Text size="sm" c="dimmed">
          Say when, and its next moments stand here.
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
          <Table verticalSpacing={3}>
            <Table.Tbody>
              {preview.data.runs.map((each) => (
                <Table.Tr key={each.utc}>
                  <Table.Td className="mono">{local(each.local)}</Table.Td>
                  <Table.Td className="mono">{moment(each.utc, "UTC")}</Table.Td>
                  <Table.Td className="number">
                    <Moment at={each.utc} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Stack>
      )}
    </Card>
  );
}

function parsed(text: string): { [key: string]: JsonValue } | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as { [key: string]: JsonValue }) : null;
  } catch {
    return null;
  }
}
