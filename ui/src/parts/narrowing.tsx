import { Button, Group, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { useSought } from "./sought";

/** A line of filters. */
export function Narrowing({ children }: { children: ReactNode }) {
  return (
    <search>
      <Group gap="xs" align="flex-end">
        {children}
      </Group>
    </search>
  );
}

interface ChosenOf {
  label: string;
  name: string;
  choices: readonly (string | { value: string; label: string })[];
  /** What it is called where nothing is chosen; without it the first is meant. */
  none?: string;
}

/** One of some words, in the address. */
export function Chosen({ label, name, choices, none }: ChosenOf) {
  const [search, seek] = useSought();
  return (
    <NativeSelect
      size="xs"
      label={label}
      value={search[name] ?? ""}
      data={none ? [{ value: "", label: none }, ...choices] : [...choices]}
      onChange={(event) => seek({ [name]: event.currentTarget.value, after: undefined })}
    />
  );
}

/** A text, in the address when it is entered. */
export function Written({ label, name, like }: { label: string; name: string; like?: string }) {
  const [search, seek] = useSought();
  const [typed, setTyped] = useState(search[name] ?? "");
  const [shown, setShown] = useState(search[name]);
  if (shown !== search[name]) {
    setShown(search[name]);
    setTyped(search[name] ?? "");
  }
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        seek({ [name]: typed.trim(), after: undefined });
      }}
    >
      <TextInput
        size="xs"
        label={label}
        placeholder={like}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={() => typed.trim() !== (search[name] ?? "") && seek({ [name]: typed.trim() })}
      />
    </form>
  );
}

interface TurningOf {
  next: string | null;
  /** What the two ends of the list are called. */
  words?: [back: string, on: string];
}

/** On to what comes behind, and back to where the list begins. */
export function Turning({ next, words: [back, on] = ["Newest", "Older"] }: TurningOf) {
  const [search, seek] = useSought();
  if (!next && !search.after) return null;
  return (
    <Group justify="flex-end" gap="xs">
      <Button
        size="xs"
        variant="default"
        disabled={!search.after}
        onClick={() => seek({ after: undefined })}
      >
        {back}
      </Button>
      <Button
        size="xs"
        variant="default"
        disabled={!next}
        onClick={() => seek({ after: next ?? undefined })}
      >
        {on}
      </Button>
    </Group>
  );
}
