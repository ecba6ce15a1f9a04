import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { schedulesPause } from "../client/sdk.gen";
import { refusals, useAct } from "./act";
import { Wrong } from "./shown";
import { Until, useUntil } from "./until";

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
  const until = useUntil();
  const pause = useAct({
    does: () =>
      told(schedulesPause({ path: { name }, body: { why: why || undefined, until: until.at } })),
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
        <Until of={until} wrong={wrong.until} />
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
