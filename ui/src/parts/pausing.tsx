import "@mantine/core/styles/Combobox.css";
import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { schedulesPause } from "../client/sdk.gen";
import { refusals, useAct } from "./act";
import { Wrong } from "./shown";
import { moment, nameOf } from "./time";

const HOUR = 3_600_000;
const LASTING: Record<string, number> = {
  "1 hour": HOUR,
  "4 hours": 4 * HOUR,
  "1 day": 24 * HOUR,
  "7 days": 168 * HOUR,
};
const RESUMED = "somebody resumes it";
const THEN = "a moment";

/** A moment of this browser's clock as it is typed, as the API takes it; undefined of none. */
export function instant(typed: string): string | undefined {
  const at = new Date(typed);
  return typed && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
}

/** Asks why a schedule is paused, and until when. */
export function Pausing({ name, close }: { name: string | null; close: () => void }) {
  return (
    <Modal opened={name !== null} onClose={close} title={`Pause ${name ?? ""}`} centered>
      {name !== null && <Asking name={name} close={close} />}
    </Modal>
  );
}

function Asking({ name, close }: { name: string; close: () => void }) {
  const [why, setWhy] = useState("");
  const [until, setUntil] = useState<string>(RESUMED);
  const [typed, setTyped] = useState("");
  const at =
    until === RESUMED
      ? undefined
      : until === THEN
        ? instant(typed)
        : new Date(Date.now() + (LASTING[until] ?? HOUR)).toISOString();
  const pause = useAct({
    does: () =>
      told(schedulesPause({ path: { name }, body: { why: why || undefined, until: at } })),
    done: `${name} is paused.`,
    reads: ["schedules", "calendar"],
    after: close,
    isShown: true,
  });
  const wrong = refusals(pause.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    pause.mutate();
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm">
          It makes no jobs until then, also after a deploy. What is due meanwhile is on record as
          skipped.
        </Text>
        {pause.error && !Object.keys(wrong).length && <Wrong error={pause.error} />}
        <TextInput
          label="Why"
          description="For those who find it paused"
          data-autofocus
          value={why}
          error={wrong.why}
          onChange={(event) => setWhy(event.currentTarget.value)}
        />
        <Select
          label="Until"
          data={[RESUMED, ...Object.keys(LASTING), THEN]}
          value={until}
          allowDeselect={false}
          onChange={(to) => setUntil(to ?? RESUMED)}
          error={until === THEN ? undefined : wrong.until}
        />
        {until === THEN && (
          <TextInput
            type="datetime-local"
            label={`Goes on at (${nameOf("mine")})`}
            required
            value={typed}
            error={wrong.until}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        {at && (
          <Text size="xs" c="dimmed">
            {moment(at, "mine")} · {moment(at, "UTC")}
          </Text>
        )}
        <Group justify="flex-end">
          <Button size="xs" variant="default" onClick={close}>
            Leave it
          </Button>
          <Button size="xs" type="submit" loading={pause.isPending}>
            Pause it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
