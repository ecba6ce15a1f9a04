import { Badge, Code, Group, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { told } from "../api";
import {
  breakersClose,
  breakersList,
  breakersOpen,
  limitsGet,
  limitsList,
  limitsReset,
  retentionList,
  retentionRemove,
  retentionSet,
} from "../client/sdk.gen";
import type { BreakerOut, KeptOut, LimitOut, RuleOut } from "../client/types.gen";
import { Act, refusals, useAct } from "../parts/act";
import { BoundsForm, bounds } from "../parts/bounds";
import { Form } from "../parts/form";
import { Listed } from "../parts/listed";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";
import { Tabbed } from "../parts/tabbed";
import { Moment, useNow } from "../parts/time";
import { Unfold } from "../parts/unfold";

const OFTEN = 5_000;

/** What bounds jobs: limits, breakers, and how much of what has ended is kept. */
export function Limits() {
  return (
    <Page title="Limits">
      <Tabbed
        label="What bounds jobs"
        tabs={[
          { value: "limits", name: "Limits", shows: () => <AllLimits /> },
          { value: "breakers", name: "Breakers", shows: () => <Breakers /> },
          { value: "retention", name: "What is kept", shows: () => <Retention /> },
        ]}
      />
    </Page>
  );
}

function AllLimits() {
  const [isMaking, setMaking] = useState(false);
  const list = useQuery({
    queryKey: ["limits"],
    queryFn: () => told(limitsList()),
    refetchInterval: OFTEN,
  });
  return (
    <Stack gap="sm">
      <Group justify="flex-end">
        <Opening name="Bound a queue" needs="queues:manage" onClick={() => setMaking(true)} />
      </Group>
      {isMaking && <BoundsForm name={null} isOpen close={() => setMaking(false)} />}
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <LimitRows rows={data} />
          ) : (
            <Nothing title="Nothing is limited">
              Put <Code>limits=Limit("api", rate="100/min")</Code> on a task, or bound a whole queue
              here.
            </Nothing>
          )
        }
      </Shown>
    </Stack>
  );
}

function LimitRows({ rows }: { rows: LimitOut[] }) {
  const [{ limit }, seek] = useSought();
  return (
    <>
      <Listed
        label="Limits"
        width={820}
        rows={rows}
        keyOf={(each) => each.name}
        columns={[
          {
            name: "Limit",
            of: (each) => (
              <Unfold
                name={each.name}
                isShown={each.name === limit}
                toggle={() => seek({ limit: each.name === limit ? undefined : each.name })}
              />
            ),
          },
          { name: "Allows", of: (each) => <Allows of={each} /> },
          { name: "Hold it", isNumber: true, of: (each) => each.held.toLocaleString("en") },
          {
            name: "Wait for it",
            isNumber: true,
            of: (each) => (
              <Text span size="sm" c={each.waiting ? "yellow" : undefined}>
                {each.waiting.toLocaleString("en")}
              </Text>
            ),
          },
          { name: "Keys", isNumber: true, of: (each) => each.slots.toLocaleString("en") },
          { name: "Do", isNumber: true, of: (each) => <LimitActs of={each} /> },
        ]}
      />
      {limit && <Slots key={limit} name={limit} />}
    </>
  );
}

function Allows({ of }: { of: LimitOut }) {
  return (
    <>
      <Text size="sm">{bounds(of)}</Text>
      {of.by_hand && (
        <Text size="xs" c="dimmed">
          set by {of.changed_by}, <Moment at={of.changed_at} />
          {of.declared ? `; the code says ${bounds(of.declared)}` : "; no code has it"}
        </Text>
      )}
    </>
  );
}

function LimitActs({ of }: { of: LimitOut }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      <Opening
        name="Change"
        label={`Change ${of.name}`}
        needs="queues:manage"
        size="compact-xs"
        onClick={() => setOpen(true)}
      />
      <Act
        name={of.declared ? "Reset" : "Remove"}
        needs="queues:manage"
        size="compact-xs"
        off={!of.by_hand && "It is as the code says."}
        asks={
          of.declared
            ? `${of.name} allows ${bounds(of.declared)} again, as the code says.`
            : `No code declares ${of.name}: it is removed, and bounds nothing any more.`
        }
        done={of.declared ? `${of.name} is as the code says.` : `${of.name} is removed.`}
        reads={["limits"]}
        does={() => told(limitsReset({ path: { name: of.name } }))}
      />
      {isOpen && <BoundsForm name={of.name} now={of} isOpen close={() => setOpen(false)} />}
    </Group>
  );
}

function Slots({ name }: { name: string }) {
  const now = useNow();
  const found = useQuery({
    queryKey: ["limits", name],
    queryFn: () => told(limitsGet({ path: { name } })),
    refetchInterval: OFTEN,
  });
  const key = (slot: string) => slot.slice(name.length + 1) || "all together";
  return (
    <section aria-label={`Who holds ${name}`}>
      <Text fw={600} size="sm">
        Who holds {name}
      </Text>
      <Shown of={found}>
        {({ in_use }) =>
          in_use.length ? (
            <Listed
              label={`Keys of ${name}`}
              width={420}
              rows={in_use}
              keyOf={(each) => each.slot}
              columns={[
                { name: "Key", of: (each) => key(each.slot) },
                { name: "Hold it", isNumber: true, of: (each) => each.held },
                { name: "Wait for it", isNumber: true, of: (each) => each.waiting },
                {
                  name: "Next may begin",
                  isNumber: true,
                  of: (each) =>
                    each.open_at && Date.parse(each.open_at) > now ? (
                      <Moment at={each.open_at} />
                    ) : (
                      "as soon as there is room"
                    ),
                },
              ]}
            />
          ) : (
            <Text size="sm" c="dimmed">
              No job holds it or waits for it.
            </Text>
          )
        }
      </Shown>
    </section>
  );
}

const BREAKER_COLORS: Record<string, string> = {
  closed: "green",
  open: "red",
  "half open": "yellow",
};

function Breakers() {
  const list = useQuery({
    queryKey: ["breakers"],
    queryFn: () => told(breakersList()),
    refetchInterval: OFTEN,
  });
  return (
    <Shown of={list}>
      {({ data }) =>
        data.length ? (
          <Listed
            label="Breakers"
            width={820}
            rows={data}
            keyOf={(each) => each.name}
            columns={[
              { name: "Breaker", of: (each) => each.name },
              { name: "State", of: (each) => <BreakerState of={each} /> },
              {
                name: "Failures in a row",
                isNumber: true,
                of: (each) => `${each.failures} of ${each.threshold}`,
              },
              { name: "Opens for", isNumber: true, of: (each) => each.open_for },
              { name: "Wait for it", isNumber: true, of: (each) => each.waiting },
              { name: "Do", isNumber: true, of: (each) => <BreakerActs of={each} /> },
            ]}
          />
        ) : (
          <Nothing title="There is no breaker">
            Put <Code>breakers=Breaker("api", threshold=5, open_for="30s")</Code> on a task.
          </Nothing>
        )
      }
    </Shown>
  );
}

function BreakerState({ of }: { of: BreakerOut }) {
  return (
    <>
      <Badge color={BREAKER_COLORS[of.state] ?? "yellow"} variant="light" radius="sm" tt="none">
        {of.state}
      </Badge>
      {of.state !== "closed" && (
        <Text size="xs" c="dimmed">
          since <Moment at={of.opened_at} />,{" "}
          {of.state === "open" ? (
            <>
              tries again <Moment at={of.open_until} />
            </>
          ) : (
            `tries ${of.probes} at a time`
          )}
        </Text>
      )}
      {of.reason && (
        <Text size="xs" className="clip" title={of.reason}>
          {of.reason}
        </Text>
      )}
    </>
  );
}

function BreakerActs({ of }: { of: BreakerOut }) {
  const path = { name: of.name };
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      <Act
        name="Open"
        needs="queues:manage"
        size="compact-xs"
        off={of.state === "open" && "It is open."}
        asks={`No job under ${of.name} begins for ${of.open_for}; those that run go on.`}
        done={`${of.name} is open.`}
        reads={["breakers"]}
        does={() => told(breakersOpen({ path }))}
      />
      <Act
        name="Close"
        needs="queues:manage"
        size="compact-xs"
        off={of.state === "closed" && "It is closed."}
        done={`${of.name} is closed; its jobs go on.`}
        reads={["breakers"]}
        does={() => told(breakersClose({ path }))}
      />
    </Group>
  );
}

const kept = (of: KeptOut) =>
  [of.completed && `completed ${of.completed}`, of.failed && `failed ${of.failed}`]
    .filter(Boolean)
    .join("; ") || "as the setting says";

function Retention() {
  const [isMaking, setMaking] = useState(false);
  const list = useQuery({ queryKey: ["retention"], queryFn: () => told(retentionList()) });
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          What has ended is kept as long as ONBEAT_RETENTION says, unless a rule here says
          otherwise.
        </Text>
        <Opening name="Set a rule" needs="queues:manage" onClick={() => setMaking(true)} />
      </Group>
      {isMaking && <KeptForm isOpen close={() => setMaking(false)} />}
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <Listed
              label="What is kept"
              width={700}
              rows={data}
              keyOf={(each) => each.subject}
              columns={[
                { name: "Whose jobs", of: (each) => each.subject },
                { name: "Completed", of: (each) => each.completed ?? "as the setting says" },
                { name: "Failed", of: (each) => each.failed ?? "as the setting says" },
                {
                  name: "Who says so",
                  of: (each) =>
                    each.by_hand ? (
                      <>
                        {each.changed_by}, <Moment at={each.changed_at} />
                      </>
                    ) : (
                      "the code"
                    ),
                },
                { name: "Do", isNumber: true, of: (each) => <RuleActs of={each} /> },
              ]}
            />
          ) : (
            <Nothing title="No rule">All that has ended is kept equally long.</Nothing>
          )
        }
      </Shown>
    </Stack>
  );
}

function RuleActs({ of }: { of: RuleOut }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      <Opening
        name="Change"
        label={`Change what is kept of ${of.subject}`}
        needs="queues:manage"
        size="compact-xs"
        onClick={() => setOpen(true)}
      />
      <Act
        name="Remove"
        needs="queues:manage"
        size="compact-xs"
        off={!of.by_hand && "It is as the code says."}
        asks={
          of.declared
            ? `${of.subject} is kept as the code says again: ${kept(of.declared)}.`
            : `${of.subject} is kept as the setting says again.`
        }
        done={`The rule of ${of.subject} is taken away.`}
        reads={["retention"]}
        does={() => told(retentionRemove({ path: { subject: of.subject } }))}
      />
      {isOpen && <KeptForm now={of} isOpen close={() => setOpen(false)} />}
    </Group>
  );
}

function KeptForm({ now, isOpen, close }: { now?: RuleOut; isOpen: boolean; close: () => void }) {
  const [subject, setSubject] = useState(now?.subject ?? "");
  const [completed, setCompleted] = useState(now?.completed ?? "");
  const [failed, setFailed] = useState(now?.failed ?? "");
  const save = useAct({
    does: () =>
      told(
        retentionSet({
          path: { subject },
          body: { completed: completed || null, failed: failed || null },
        }),
      ),
    done: (made) => `Of ${made.subject} is kept from now on: ${kept(made)}.`,
    reads: ["retention"],
    after: close,
    isShown: true,
  });
  const wrong = refusals(save.error);
  return (
    <Form
      isOpen={isOpen}
      close={close}
      title="How much is kept"
      name="Set it"
      save={save}
      submit={() => save.mutate()}
      fields={["subject", "completed", "failed"]}
    >
      <TextInput
        label="Whose jobs"
        description="task/NAME, queue/NAME or schedule/NAME"
        required
        readOnly={Boolean(now)}
        value={subject}
        error={wrong.subject}
        onChange={(event) => setSubject(event.currentTarget.value)}
      />
      <TextInput
        label="Completed jobs"
        description="So many, so long, or both: 100, 30d, or 100,30d; empty: as the setting says."
        value={completed}
        error={wrong.completed}
        onChange={(event) => setCompleted(event.currentTarget.value)}
      />
      <TextInput
        label="Failed jobs"
        description="The same of those that failed."
        value={failed}
        error={wrong.failed}
        onChange={(event) => setFailed(event.currentTarget.value)}
      />
    </Form>
  );
}
