import { TextInput } from "@mantine/core";
import { useState } from "react";
import { told } from "../api";
import { operationsBegin } from "../client/sdk.gen";
import type { MatchedOut, OperationIn, OperationOut } from "../client/types.gen";
import { useAct } from "../parts/act";
import { type Action, type Chosen, operationOf } from "../parts/asking";
import { AskOfMany, ChosenBar, DoToMany, useDryRun } from "../parts/bulk";
import { DOES } from "../parts/operation_progress";

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
  return (
    <>
      <ChosenBar label="Chosen jobs" count={count} clear={clear} takeAll={takeAll}>
        {(Object.keys(WORDS) as Action[]).map((each) => (
          <DoToMany
            key={each}
            name={DOES[each]}
            needs="jobs:manage"
            color={WORDS[each].color}
            act={() => setAction(each)}
          />
        ))}
      </ChosenBar>
      {action && (
        <Ask action={action} chosen={chosen} close={() => setAction(null)} began={began} />
      )}
    </>
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

function Ask({ action, chosen, close, began }: AskOf) {
  const [reason, setReason] = useState("");
  const [now] = useState(() => Date.now());
  const dry = useDryRun([action, chosen], () =>
    sent<MatchedOut>(operationOf(action, chosen, { reason: "", isDry: true, now })),
  );
  const act = useAct({
    does: () => sent<OperationOut>(operationOf(action, chosen, { reason, isDry: false, now })),
    reads: ["operations", "jobs"],
    after: (made) => began(made.id),
  });
  return (
    <AskOfMany
      action={action}
      name={DOES[action]}
      be={WORDS[action].be}
      one="job"
      several="jobs"
      color={WORDS[action].color}
      dry={dry}
      act={() => act.mutate()}
      close={close}
    >
      {action === "cancel" && (
        <TextInput
          label="Reason, for the record"
          value={reason}
          maxLength={500}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      )}
    </AskOfMany>
  );
}
