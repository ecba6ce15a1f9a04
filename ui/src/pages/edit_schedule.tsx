import { Alert, Button, Group, List, Text } from "@mantine/core";
import "@mantine/core/styles/List.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { Refused, told } from "../api";
import { schedulesChange } from "../client/sdk.gen";
import type { ScheduleChange } from "../client/types.gen";
import { refusals, useAct } from "../parts/act";
import { ByCode } from "../parts/by_code";
import { argsChanged, changing, type Draft, draftOf } from "../parts/draft";
import { Going } from "../parts/going";
import { bodyWith } from "../parts/raw_json";
import { ScheduleForm } from "../parts/schedule_form";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { readWhole, type Whole } from "../parts/whole_schedule";
import { useMay } from "../session";

/** A schedule to be changed; what somebody else changes meanwhile is not lost. */
export function EditSchedule() {
  const { _splat: name = "" } = useParams({ from: "/edit/schedule/$" });
  const found = useQuery({
    // Not read anew while somebody types.
    queryKey: ["edited", name],
    queryFn: () => readWhole(name),
    enabled: name !== "",
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!name) return <Nothing title="No schedule is named" />;
  return (
    <Shown of={found}>
      {(whole) => <Changing key={whole.etag.split(".")[1]} whole={whole} name={name} />}
    </Shown>
  );
}

function Changing({ whole, name }: { whole: Whole; name: string }) {
  const [read, setRead] = useState(whole);
  const before = draftOf(read.schedule, read.args);
  const [draft, setDraft] = useState(before);
  const [theirs, setTheirs] = useState<Whole | null>(null);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const may = useMay("schedules:write");
  const mayArgs = useMay("jobs:arguments");
  const said = { ...changing(before, draft), ...argsChanged(before, draft) };
  const isChanged = Object.values(said).some((each) => each !== undefined);
  const save = useAct({
    does: (etag: string) => {
      const body = { ...changing(before, draft), why: draft.why || undefined };
      return told(
        schedulesChange({
          path: { name },
          headers: { "If-Match": etag },
          body: body as unknown as ScheduleChange,
          bodySerializer: (sent) => bodyWith(sent as object, argsChanged(before, draft)),
        }),
      );
    },
    done: (made) => `${made.name} says so from now on.`,
    reads: ["schedules", "calendar"],
    after: () => {
      queries.removeQueries({ queryKey: ["edited", name] });
      void navigate({ to: "/schedules/$", params: { _splat: name } });
    },
    isShown: true,
  });
  const isOvertaken = save.error instanceof Refused && save.error.status === 412;
  const wrong = refusals(save.error);

  async function submit(): Promise<void> {
    try {
      await save.mutateAsync(read.etag);
    } catch (error) {
      if (error instanceof Refused && error.status === 412) setTheirs(await readWhole(name));
    }
  }

  return (
    <ScheduleForm
      draft={draft}
      change={(to) => setDraft((now) => ({ ...now, ...to }))}
      wrong={wrong}
      title={`Change ${name}`}
      save="Save it"
      submit={() => void submit()}
      isSaving={save.isPending}
      off={(!may && "You lack schedules:write") || (!isChanged && "Nothing is said otherwise yet.")}
      isNew={false}
    >
      <Text size="sm">
        <Going to="/schedules/$" params={{ _splat: name }}>
          Back to {name}
        </Going>
      </Text>
      <ByCode source={read.schedule.source} />
      {!mayArgs && (
        <Text size="sm" c="dimmed">
          You lack jobs:arguments: its arguments are not shown, and stay as they are.
        </Text>
      )}
      {isOvertaken && theirs ? (
        <Overtaken
          theirs={theirs}
          before={before}
          mine={draft}
          take={() => {
            setRead(theirs);
            setDraft(draftOf(theirs.schedule, theirs.args));
            setTheirs(null);
            save.reset();
          }}
          keep={() => save.mutate(theirs.etag)}
        />
      ) : (
        save.error && !Object.keys(wrong).length && <Wrong error={save.error} />
      )}
    </ScheduleForm>
  );
}

interface OvertakenOf {
  theirs: Whole;
  before: Draft;
  mine: Draft;
  take: () => void;
  keep: () => void;
}

/** Somebody else was quicker: what they changed, and what to do about it. */
function Overtaken({ theirs, before, mine, take, keep }: OvertakenOf) {
  const now = draftOf(theirs.schedule, theirs.args);
  const changed = fields(before, now);
  const both = fields(before, mine).filter((each) => changed.includes(each));
  return (
    <Alert
      color="yellow"
      role="alert"
      title={`${theirs.schedule.changed_by ?? "Somebody"} changed it meanwhile`}
    >
      <Text size="sm">Version {theirs.schedule.version} says otherwise:</Text>
      <List size="sm">
        {changed.map((each) => (
          <List.Item key={each}>
            {each}: <span className="mono">{shown(now, each)}</span>
            {both.includes(each) && <b> – you changed that, too</b>}
          </List.Item>
        ))}
      </List>
      <Group mt="xs" gap="xs">
        <Button size="xs" variant="default" onClick={take}>
          Take theirs, and begin anew
        </Button>
        <Button size="xs" onClick={keep}>
          {both.length ? "Save mine over theirs" : "Save mine beside theirs"}
        </Button>
      </Group>
    </Alert>
  );
}

function fields(one: Draft, other: Draft): (keyof Draft)[] {
  return (Object.keys(one) as (keyof Draft)[]).filter(
    (each) => each !== "why" && JSON.stringify(one[each]) !== JSON.stringify(other[each]),
  );
}

function shown(draft: Draft, name: keyof Draft): string {
  return name === "rule" ? `${draft.rule.text} (${draft.rule.tz})` : draft[name] || "nothing";
}
