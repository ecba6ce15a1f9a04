import "@mantine/core/styles/NumberInput.css";
import { NumberInput, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { told } from "../api";
import { limitsSet } from "../client/sdk.gen";
import type { BoundsOut } from "../client/types.gen";
import { refusals, useAct } from "./act";
import { Form } from "./form";

/** What a limit allows, in words. */
export function bounds(of: BoundsOut): string {
  const told = [
    of.concurrency === null ? null : `${of.concurrency} at once`,
    of.rate === null ? null : `${of.rate}`,
    of.burst === null ? null : `burst ${of.burst}`,
  ].filter(Boolean);
  return told.join(", ") || "no bound";
}

interface BoundsFormOf {
  /** Its name; null for that of a queue which is yet to be named. */
  name: string | null;
  now?: BoundsOut;
  isOpen: boolean;
  close: () => void;
}

const number = (typed: string | number): number | null => (typed === "" ? null : Number(typed));

/** Sets what a limit allows from now on, whatever the code says. */
export function BoundsForm({ name, now, isOpen, close }: BoundsFormOf) {
  const [named, setNamed] = useState("");
  const [concurrency, setConcurrency] = useState<string | number>(now?.concurrency ?? "");
  const [rate, setRate] = useState(now?.rate ?? "");
  const [burst, setBurst] = useState<string | number>(now?.burst ?? "");
  const save = useAct({
    does: () =>
      told(
        limitsSet({
          path: { name: name ?? `queue/${named}` },
          body: { concurrency: number(concurrency), rate: rate || null, burst: number(burst) },
        }),
      ),
    done: (made) => `${made.name} allows ${bounds(made)} from now on.`,
    reads: ["limits", "queues"],
    after: close,
    isShown: true,
  });
  const wrong = refusals(save.error);
  return (
    <Form
      isOpen={isOpen}
      close={close}
      title={name === null ? "Bound a queue" : `Limit ${name}`}
      name="Set it"
      save={save}
      submit={() => save.mutate()}
      fields={["name", "concurrency", "rate", "burst"]}
    >
      {name === null && (
        <TextInput
          label="Queue"
          description="All its jobs are bounded; limits of single tasks are declared in code."
          required
          value={named}
          error={wrong.name}
          onChange={(event) => setNamed(event.currentTarget.value)}
        />
      )}
      <NumberInput
        label="At once"
        description="So many jobs run at one time, of each key where it has keys; empty: no bound."
        min={1}
        allowDecimal={false}
        hideControls
        value={concurrency}
        error={wrong.concurrency}
        onChange={setConcurrency}
      />
      <TextInput
        label="Rate"
        description="So many begin in a time, like 100/min; empty: no bound."
        value={rate}
        error={wrong.rate}
        onChange={(event) => setRate(event.currentTarget.value)}
      />
      <NumberInput
        label="Burst"
        description="So many may begin at once after a rest."
        min={1}
        allowDecimal={false}
        hideControls
        value={burst}
        error={wrong.burst}
        onChange={setBurst}
      />
      <Text size="xs" c="dimmed">
        A deploy does not undo it. Reset lets it be as the code says again.
      </Text>
    </Form>
  );
}
