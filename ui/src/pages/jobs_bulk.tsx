import { Anchor, Button, Card, Group, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { told } from "../api";
import { operationsBegin } from "../client/sdk.gen";
import type { MatchedOut, OperationIn, OperationOut } from "../client/types.gen";
import { Asked, useAct } from "../parts/act";
import { type Action, type Chosen, operationOf } from "../parts/asking";
import { DOES } from "../parts/operation_progress";
import { useMay } from "../session";

/** Above so many, what is done has to be typed. */
const MANY = 1000;

const WORDS: Record<Action, { be: string; color?: string }> = {
  retry: { be: "run again" },
  redrive: { be: "run again, of those that failed" },
  cancel: { be: "cancelled; those that run are asked to stop", color: "red" },
};

interface BulkOf {
  chosen: Chosen;
  /** How many were chosen, where that is known. */
  count: number | null;
  clear: () => void;
  takeAll: () => void;
  began: (operation: string) => void;
}

/** What can be done to the jobs that are chosen, all at once. */
export function Bulk({ chosen, count, clear, takeAll, began }: BulkOf) {
  const [action, setAction] = useState<Action | null>(null);
  const may = useMay("jobs:manage");
  return (
    <Card withBorder padding="xs" className="chosen" role="region" aria-label="Chosen jobs">
      <Group gap="xs">
        <Text size="sm" fw={550} aria-live="polite">
          {count === null ? "All that match this filter" : `${count} chosen`}
        </Text>
        {count !== null && (
          <Anchor component="button" size="sm" onClick={takeAll}>
            Choose all that match this filter
          </Anchor>
        )}
        {(Object.keys(WORDS) as Action[]).map((each) => (
          <Tooltip key={each} label="You lack jobs:manage" disabled={may}>
            <Button
              size="compact-sm"
              variant={WORDS[each].color ? "light" : "default"}
              color={WORDS[each].color}
              disabled={!may}
              onClick={() => setAction(each)}
            >
              {DOES[each]}
            </Button>
          </Tooltip>
        ))}
        <Anchor component="button" size="sm" onClick={clear}>
          Choose none
        </Anchor>
      </Group>
      {action && (
        <Ask action={action} chosen={chosen} close={() => setAction(null)} began={began} />
      )}
    </Card>
  );
}

interface AskOf {
  action: Action;
  chosen: Chosen;
  close: () => void;
  began: (operation: string) => void;
}

async function sent<T>(body: string): Promise<T> {
  const made = await told(operationsBegin({ body: {} as OperationIn, bodySerializer: () => body }));
  return made as T;
}

/** Counts first, then asks; of very many a word has to be typed. */
function Ask({ action, chosen, close, began }: AskOf) {
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [now] = useState(() => Date.now());
  const dry = useQuery({
    queryKey: ["operations", "dry", action, chosen],
    queryFn: () => sent<MatchedOut>(operationOf(action, chosen, { reason: "", isDry: true, now })),
    staleTime: 0,
    gcTime: 0,
    retry: false,
    placeholderData: undefined,
  });
  const act = useAct({
    does: () => sent<OperationOut>(operationOf(action, chosen, { reason, isDry: false, now })),
    reads: ["operations", "jobs"],
    after: (made) => began(made.id),
  });
  const isMany = dry.data ? dry.data.count > MANY || !dry.data.is_exact : false;
  const isOff = !dry.data?.count || (isMany && typed.trim() !== action);
  return (
    <Asked
      isOpen
      close={close}
      title={`${DOES[action]}?`}
      name={DOES[action]}
      color={WORDS[action].color}
      off={isOff}
      act={() => act.mutate()}
    >
      <Stack gap="xs">
        <Counted dry={dry.data} error={dry.error} action={action} />
        {action === "cancel" && (
          <TextInput
            label="Reason, for the record"
            value={reason}
            maxLength={500}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        )}
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

interface CountedOf {
  dry: MatchedOut | undefined;
  error: Error | null;
  action: Action;
}

function Counted({ dry, error, action }: CountedOf) {
  if (error) {
    return (
      <Text c="var(--mantine-color-red-text)" size="sm" role="alert">
        {error.message}
      </Text>
    );
  }
  if (!dry) return <Text size="sm">Counting…</Text>;
  if (!dry.count) return <Text size="sm">None of them can be {WORDS[action].be}.</Text>;
  const all = `${dry.is_exact ? "" : "More than "}${dry.count.toLocaleString("en")}`;
  return (
    <Text size="sm">
      <b>
        {all} {dry.count === 1 ? "job" : "jobs"}
      </b>{" "}
      will be {WORDS[action].be}. It can be stopped on the way; what was done stays done.
    </Text>
  );
}
