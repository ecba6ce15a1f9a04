import "./bulk.css";
import { Anchor, Button, Card, Group, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Permission } from "../client/types.gen";
import { useMay } from "../session";
import { Asked } from "./act";

/** Above so many, what is done has to be typed. */
const MANY = 1000;

interface BarOf {
  /** What was chosen, for who does not see it. */
  label: string;
  /** How many were chosen, where that is known. */
  count: number | null;
  clear: () => void;
  /** Chooses all that match; nothing where they cannot be told to an operation. */
  takeAll?: (() => void) | undefined;
  children: ReactNode;
}

/** What can be done to the rows that are chosen, all at once. */
export function ChosenBar({ label, count, clear, takeAll, children }: BarOf) {
  return (
    <Card withBorder padding="xs" className="chosen" role="region" aria-label={label}>
      <Group gap="xs">
        <Text size="sm" fw={550} aria-live="polite">
          {count === null ? "All that match this filter" : `${count} chosen`}
        </Text>
        {count !== null && takeAll && (
          <Anchor component="button" size="sm" onClick={takeAll}>
            Choose all that match this filter
          </Anchor>
        )}
        {children}
        <Anchor component="button" size="sm" onClick={clear}>
          Choose none
        </Anchor>
      </Group>
    </Card>
  );
}

interface DoOf {
  name: string;
  needs: Permission;
  color?: string | undefined;
  act: () => void;
}

/** A button of the bar; without the permission it stays, and says which is lacking. */
export function DoToMany({ name, needs, color, act }: DoOf) {
  const may = useMay(needs);
  return (
    <Tooltip label={`You lack ${needs}`} disabled={may}>
      <Button
        size="compact-sm"
        variant={color ? "light" : "default"}
        color={color}
        disabled={!may}
        onClick={act}
      >
        {name}
      </Button>
    </Tooltip>
  );
}

/** How many fit, which is all that a dry run tells here. */
export interface Matched {
  count: number;
  is_exact: boolean;
}

/** Counts what an operation would be done to, each time anew. */
export function useDryRun(of: unknown[], count: () => Promise<Matched>): UseQueryResult<Matched> {
  return useQuery({
    queryKey: ["operations", "dry", ...of],
    queryFn: count,
    staleTime: 0,
    gcTime: 0,
    retry: false,
    placeholderData: undefined,
  });
}

interface AskOf {
  action: string;
  name: string;
  /** What they would be, and what one and several of them are called. */
  be: string;
  one: string;
  several: string;
  color?: string | undefined;
  dry: UseQueryResult<Matched>;
  /** Whether a field shows already what was refused. */
  isShown?: boolean;
  act: () => void;
  close: () => void;
  children?: ReactNode;
}

/** Tells how many first, then asks; of very many a word has to be typed. */
export function AskOfMany({
  action,
  name,
  color,
  dry,
  isShown,
  act,
  close,
  children,
  ...of
}: AskOf) {
  const [typed, setTyped] = useState("");
  const isMany = dry.data ? dry.data.count > MANY || !dry.data.is_exact : false;
  const isOff = Boolean(dry.error) || !dry.data?.count || (isMany && typed.trim() !== action);
  return (
    <Asked isOpen close={close} title={`${name}?`} name={name} color={color} off={isOff} act={act}>
      <Stack gap="xs">
        {!isShown && <Counted dry={dry.data} error={dry.error} {...of} />}
        {children}
        {isMany && (
          <TextInput
            label={`These are very many. Type ${action} to go on`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
      </Stack>
    </Asked>
  );
}

interface CountedOf extends Pick<AskOf, "be" | "one" | "several"> {
  dry: Matched | undefined;
  error: Error | null;
}

function Counted({ dry, error, be, one, several }: CountedOf) {
  if (error) {
    return (
      <Text c="var(--mantine-color-red-text)" size="sm" role="alert">
        {error.message}
      </Text>
    );
  }
  if (!dry) return <Text size="sm">Counting…</Text>;
  if (!dry.count) return <Text size="sm">None of them can be {be}.</Text>;
  const all = `${dry.is_exact ? "" : "More than "}${dry.count.toLocaleString("en")}`;
  return (
    <Text size="sm">
      <b>
        {all} {dry.count === 1 ? one : several}
      </b>{" "}
      will be {be}. It can be stopped on the way; what was done stays done.
    </Text>
  );
}
