import { TextInput } from "@mantine/core";
import { useState } from "react";
import { told } from "../api";
import { operationsBeginOnSchedules } from "../client/sdk.gen";
import type {
  OperationOut,
  SchedulesMatchedOut,
  SchedulesOperationIn,
  SchedulesWhereIn,
} from "../client/types.gen";
import { refusals, useAct } from "../parts/act";
import { AskOfMany, ChosenBar, DoToMany, useDryRun } from "../parts/bulk";
import { DOES } from "../parts/operation_progress";
import { Until, useUntil } from "../parts/until";

type Action = "pause" | "resume";

const WORDS: Record<Action, { name: string; be: string }> = {
  pause: { name: "Pause…", be: "paused, and make no jobs until then" },
  resume: { name: "Resume…", be: "resumed, and go on from now" },
};

interface BulkOf {
  where: SchedulesWhereIn;
  /** How many were chosen, where that is known. */
  count: number | null;
  clear: () => void;
  takeAll: (() => void) | undefined;
  began: (operation: string) => void;
}

/** What can be done to the schedules that are chosen, all at once. */
export function Bulk({ where, began, ...bar }: BulkOf) {
  const [action, setAction] = useState<Action | null>(null);
  return (
    <>
      <ChosenBar label="Chosen schedules" {...bar}>
        {(Object.keys(WORDS) as Action[]).map((each) => (
          <DoToMany
            key={each}
            name={WORDS[each].name}
            needs="schedules:trigger"
            act={() => setAction(each)}
          />
        ))}
      </ChosenBar>
      {action && <Ask action={action} where={where} close={() => setAction(null)} began={began} />}
    </>
  );
}

interface AskOf {
  action: Action;
  where: SchedulesWhereIn;
  close: () => void;
  began: (operation: string) => void;
}

async function sent<T>(body: SchedulesOperationIn): Promise<T> {
  return (await told(operationsBeginOnSchedules({ body }))) as T;
}

function Ask({ action, where: chosen, close, began }: AskOf) {
  const [reason, setReason] = useState("");
  const until = useUntil();
  // Only those that are not yet so: who paused one keeps its name on it.
  const where = { ...chosen, paused: action === "resume" };
  const asked = { action, where, ...(until.at && { until: until.at }) };
  const dry = useDryRun([asked], () => sent<SchedulesMatchedOut>({ ...asked, dry_run: true }));
  const wrong = refusals(dry.error).until;
  const act = useAct({
    does: () => sent<OperationOut>({ ...asked, reason }),
    reads: ["operations", "schedules", "calendar"],
    after: (made) => began(made.id),
  });
  return (
    <AskOfMany
      action={action}
      name={DOES[action]}
      be={WORDS[action].be}
      one="schedule"
      several="schedules"
      dry={dry}
      isShown={Boolean(wrong)}
      act={() => act.mutate()}
      close={close}
    >
      {action === "pause" && (
        <>
          <TextInput
            label="Why"
            description="For those who find them paused"
            value={reason}
            maxLength={500}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          <Until of={until} wrong={wrong} />
        </>
      )}
    </AskOfMany>
  );
}
