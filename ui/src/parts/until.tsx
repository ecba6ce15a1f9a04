import "@mantine/core/styles/Combobox.css";
import { Select, Text, TextInput } from "@mantine/core";
import { useState } from "react";
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

/** Until when a pause lasts; undefined until somebody ends it. */
export function useUntil() {
  const [choice, setChoice] = useState(RESUMED);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState<string>();
  return {
    choice,
    typed,
    at,
    choose(to: string): void {
      const lasts = LASTING[to];
      setChoice(to);
      setAt(lasts ? new Date(Date.now() + lasts).toISOString() : undefined);
      setTyped("");
    },
    type(to: string): void {
      setTyped(to);
      setAt(instant(to));
    },
  };
}

/** Asks for it. */
export function Until({ of, wrong }: { of: ReturnType<typeof useUntil>; wrong?: string }) {
  const isThen = of.choice === THEN;
  return (
    <>
      <Select
        label="Until"
        data={[RESUMED, ...Object.keys(LASTING), THEN]}
        value={of.choice}
        allowDeselect={false}
        onChange={(to) => of.choose(to ?? RESUMED)}
        error={isThen ? undefined : wrong}
      />
      {isThen && (
        <TextInput
          type="datetime-local"
          label={`Goes on at (${nameOf("mine")})`}
          required
          value={of.typed}
          error={wrong}
          onChange={(event) => of.type(event.currentTarget.value)}
        />
      )}
      {of.at && (
        <Text size="xs" c="dimmed">
          {moment(of.at, "mine")} · {moment(of.at, "UTC")}
        </Text>
      )}
    </>
  );
}
