import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { schedulesSkip, schedulesTrigger } from "../client/sdk.gen";
import { refusals, useAct } from "./act";
import { bodyWith, spread, tight } from "./raw_json";
import { Arguments } from "./schedule_form";
import { Shown, Wrong } from "./shown";
import { readWhole } from "./whole_schedule";

interface AskingOf {
  name: string;
  isOpen: boolean;
  close: () => void;
}

/** Asks with which arguments, and for which moment, one job is made now. */
export function RunningWith({ name, isOpen, close }: AskingOf) {
  return (
    <Modal opened={isOpen} onClose={close} title={`Run ${name} with…`} centered>
      {isOpen && <Asking name={name} close={close} />}
    </Modal>
  );
}

function Asking({ name, close }: Omit<AskingOf, "isOpen">) {
  const found = useQuery({ queryKey: ["whole", name], queryFn: () => readWhole(name), gcTime: 0 });
  return (
    <Shown of={found}>
      {({ args }) => <Given name={name} own={args === "null" ? "{}" : args} close={close} />}
    </Shown>
  );
}

function Given({ name, own, close }: { name: string; own: string; close: () => void }) {
  const [args, setArgs] = useState(spread(own));
  const [at, setAt] = useState("");
  const navigate = useNavigate();
  const run = useAct({
    does: () =>
      told(
        schedulesTrigger({
          path: { name },
          body: { at: at || undefined },
          bodySerializer: (body) =>
            bodyWith(body as object, tight(args) === tight(own) ? {} : { args: tight(args) }),
        }),
      ),
    done: "A job was made.",
    reads: ["schedules", "jobs"],
    after: (made) => {
      close();
      void navigate({ to: "/jobs/$job", params: { job: made.id } });
    },
    isShown: true,
  });
  const wrong = refusals(run.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    run.mutate();
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {run.error && !Object.keys(wrong).length && <Wrong error={run.error} />}
        <Arguments value={args} change={setArgs} wrong={wrong.args} />
        <TextInput
          label="For the moment"
          description="One of its own that is over, with its offset; it is told so. Empty: now."
          placeholder="2027-01-04T08:00:00+01:00"
          value={at}
          error={wrong.at}
          onChange={(event) => setAt(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button size="xs" variant="default" onClick={close}>
            Leave it
          </Button>
          <Button size="xs" type="submit" loading={run.isPending}>
            Run it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Asks how many of the next moments are left out. */
export function Skipping({ name, isOpen, close, now }: AskingOf & { now: number }) {
  return (
    <Modal opened={isOpen} onClose={close} title={`Skip moments of ${name}`} centered>
      {isOpen && <Count name={name} close={close} now={now} />}
    </Modal>
  );
}

function Count({ name, close, now }: { name: string; close: () => void; now: number }) {
  const [count, setCount] = useState(String(now || 1));
  const skip = useAct({
    does: () => told(schedulesSkip({ path: { name }, body: { count: Number(count) } })),
    done: ({ skips }) =>
      skips
        ? `Its next ${skips === 1 ? "moment is" : `${skips} are`} left out.`
        : "None is left out.",
    reads: ["schedules", "calendar"],
    after: close,
    isShown: true,
  });
  const wrong = refusals(skip.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    skip.mutate();
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {skip.error && !Object.keys(wrong).length && <Wrong error={skip.error} />}
        <TextInput
          label="Moments to leave out"
          description="Of the next ones; 0 for none after all"
          inputMode="numeric"
          type="number"
          data-autofocus
          value={count}
          error={wrong.count}
          onChange={(event) => setCount(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button size="xs" variant="default" onClick={close}>
            Leave it
          </Button>
          <Button size="xs" type="submit" loading={skip.isPending}>
            Skip them
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
