import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { told } from "../api";
import { schedulesCreate } from "../client/sdk.gen";
import type { ScheduleIn } from "../client/types.gen";
import { refusals, useAct } from "../parts/act";
import { BLANK, type Draft, draftOf, making } from "../parts/draft";
import { bodyWith, tight } from "../parts/raw_json";
import { ScheduleForm } from "../parts/schedule_form";
import { Shown, Wrong } from "../parts/shown";
import { readWhole } from "../parts/whole_schedule";
import { useMay } from "../session";

/** A new schedule, from nothing or like another one that is named in the address. */
export function NewSchedule() {
  const { like } = useSearch({ from: "/new/schedule" });
  return like ? <Like name={like} /> : <Making first={BLANK} title="New schedule" />;
}

function Like({ name }: { name: string }) {
  const found = useQuery({
    queryKey: ["schedules", name, "whole"],
    queryFn: () => readWhole(name),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Shown of={found}>
      {({ schedule, args }) => (
        <Making
          first={{ ...draftOf(schedule, args), name: `${name}-2` }}
          title={`New schedule like ${name}`}
        />
      )}
    </Shown>
  );
}

function Making({ first, title }: { first: Draft; title: string }) {
  const [draft, setDraft] = useState(first);
  const navigate = useNavigate();
  const may = useMay("schedules:write");
  const save = useAct({
    does: () =>
      told(
        schedulesCreate({
          body: making(draft) as unknown as ScheduleIn,
          bodySerializer: (body) => bodyWith(body as object, { args: tight(draft.args) }),
        }),
      ),
    done: (made) => `${made.name} is scheduled.`,
    reads: ["schedules", "calendar"],
    after: (made) => void navigate({ to: "/schedules/$", params: { _splat: made.name } }),
    isShown: true,
  });
  const wrong = refusals(save.error);
  return (
    <ScheduleForm
      draft={draft}
      change={(to) => setDraft((before) => ({ ...before, ...to }))}
      wrong={wrong}
      title={title}
      save="Schedule it"
      submit={() => save.mutate()}
      isSaving={save.isPending}
      off={!may && "You lack schedules:write"}
      isNew
    >
      {save.error && !Object.keys(wrong).length && <Wrong error={save.error} />}
    </ScheduleForm>
  );
}
