import "@mantine/core/styles/Checkbox.css";
import "@mantine/core/styles/Combobox.css";
import {
  Button,
  Checkbox,
  Group,
  Modal,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import {
  clocksAdvance,
  clocksCreate,
  clocksList,
  clocksRemove,
  schedulesList,
} from "../client/sdk.gen";
import type { AdvancedOut, ClockOut } from "../client/types.gen";
import { Act, refusals, useAct } from "../parts/act";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { Moment, moment, useZone } from "../parts/time";

const SHOWN = 3;

/** Virtual clocks: they stand until they are moved, and what lives by them is due by them. */
export function Clocks() {
  const [isMaking, setMaking] = useState(false);
  const [moved, setMoved] = useState<ClockOut | null>(null);
  const list = useQuery({
    queryKey: ["clocks", "list"],
    queryFn: () => told(clocksList({ query: { limit: 500 } })),
    refetchInterval: 10_000,
  });
  return (
    <Page
      title="Clocks"
      actions={
        <Opening name="New clock" needs="schedules:write" isFirst onClick={() => setMaking(true)} />
      }
    >
      <Text size="sm" c="dimmed">
        A virtual clock moves only when it is told to. Schedules that live by it are due by its
        time, and their jobs run as the clock passes: for simulations, games, and trials of a month
        in a minute.
      </Text>
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <Listed
              label="Virtual clocks"
              width={760}
              rows={data}
              keyOf={(each) => each.name}
              columns={[
                {
                  name: "Clock",
                  of: (each) => (
                    <Text size="sm" fw={550}>
                      {each.name}
                    </Text>
                  ),
                },
                { name: "It shows", of: (each) => <Shows at={each.now_at} /> },
                { name: "What lives by it", of: (each) => <LivesBy clock={each.name} /> },
                { name: "Moved", isNumber: true, of: (each) => <Moment at={each.advanced_at} /> },
                { name: "Made", isNumber: true, of: (each) => <Moment at={each.created_at} /> },
                {
                  name: "Actions",
                  of: (each) => (
                    <Group gap="xs" wrap="nowrap">
                      <Opening
                        name="Advance…"
                        label={`Advance ${each.name}`}
                        needs="schedules:write"
                        size="compact-xs"
                        onClick={() => setMoved(each)}
                      />
                      <Act
                        name="Remove"
                        needs="schedules:write"
                        size="compact-xs"
                        color="red"
                        asks={`The clock ${each.name} is taken away; that is refused while anything lives by it.`}
                        done={`${each.name} is removed.`}
                        reads={["clocks"]}
                        does={() => clocksRemove({ path: { name: each.name } })}
                      />
                    </Group>
                  ),
                },
              ]}
            />
          ) : (
            <Nothing title="There is no virtual clock">
              All schedules live by that of the wall.
            </Nothing>
          )
        }
      </Shown>
      <Modal opened={isMaking} onClose={() => setMaking(false)} title="New clock" centered>
        {isMaking && <Making close={() => setMaking(false)} />}
      </Modal>
      <Modal
        opened={moved !== null}
        onClose={() => setMoved(null)}
        title={`Advance ${moved?.name ?? ""}`}
        centered
      >
        {moved && <Advancing clock={moved} close={() => setMoved(null)} />}
      </Modal>
    </Page>
  );
}

function Shows({ at }: { at: string }) {
  const [zone] = useZone();
  return <span className="mono">{moment(at, zone)}</span>;
}

function LivesBy({ clock }: { clock: string }) {
  const found = useQuery({
    queryKey: ["schedules", "by clock", clock],
    queryFn: () => told(schedulesList({ query: { clock, limit: SHOWN + 1 } })),
  });
  const names = found.data?.data.map((each) => each.name) ?? [];
  if (!names.length)
    return (
      <Text size="sm" c="dimmed">
        {found.isPending ? "…" : "no schedule"}
      </Text>
    );
  return (
    <Text size="sm" component="div">
      {names.slice(0, SHOWN).map((each, at) => (
        <span key={each}>
          {at > 0 && ", "}
          <Going to="/schedules/$" params={{ _splat: each }} size="sm">
            {each}
          </Going>
        </span>
      ))}
      {names.length > SHOWN && (
        <>
          {" "}
          <Going to="/schedules" search={{ clock }} size="sm">
            and more
          </Going>
        </>
      )}
    </Text>
  );
}

function Making({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const [at, setAt] = useState(`${new Date().toISOString().slice(0, 13)}:00:00Z`);
  const make = useAct({
    does: () => told(clocksCreate({ body: { name, at } })),
    done: (made) => `The clock ${made.name} is made.`,
    reads: ["clocks"],
    after: close,
    isShown: true,
  });
  const wrong = refusals(make.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    make.mutate();
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {make.error && !Object.keys(wrong).length && <Wrong error={make.error} />}
        <TextInput
          label="Name"
          required
          data-autofocus
          value={name}
          error={wrong.name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label="It shows at first"
          description="A moment with its offset"
          required
          value={at}
          error={wrong.at}
          classNames={{ input: "mono" }}
          onChange={(event) => setAt(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button size="xs" variant="default" onClick={close}>
            Leave it
          </Button>
          <Button size="xs" type="submit" loading={make.isPending}>
            Make it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Asks how far it goes; one that stopped on the way goes on. */
function Advancing({ clock, close }: { clock: ClockOut; close: () => void }) {
  const [how, setHow] = useState("by");
  const [by, setBy] = useState("1h");
  const [to, setTo] = useState(clock.now_at);
  const [jump, setJump] = useState(false);
  const advance = useAct({
    does: () =>
      told(
        clocksAdvance({
          path: { name: clock.name },
          body: how === "by" ? { by, jump } : { to, jump },
        }),
      ),
    reads: ["clocks", "schedules", "jobs"],
    isShown: true,
  });
  const wrong = refusals(advance.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    advance.mutate();
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {advance.error && !Object.keys(wrong).length && <Wrong error={advance.error} />}
        <Text size="sm" component="div">
          It shows <Shows at={advance.data?.now_at ?? clock.now_at} />, and never goes back.
        </Text>
        <SegmentedControl
          aria-label="How far"
          data={[
            { value: "by", label: "By a time" },
            { value: "to", label: "To a moment" },
          ]}
          value={how}
          onChange={setHow}
        />
        {how === "by" ? (
          <TextInput
            label="How far"
            placeholder="6h"
            required
            value={by}
            error={wrong.by}
            onChange={(event) => setBy(event.currentTarget.value)}
          />
        ) : (
          <TextInput
            label="To which moment"
            description="With its offset"
            required
            value={to}
            error={wrong.to}
            classNames={{ input: "mono" }}
            onChange={(event) => setTo(event.currentTarget.value)}
          />
        )}
        <Checkbox
          label="Jump: plan schedules once at the end, not on the way"
          checked={jump}
          onChange={(event) => setJump(event.currentTarget.checked)}
        />
        {advance.data && <Done of={advance.data} />}
        <Group justify="flex-end">
          <Button size="xs" variant="default" onClick={close}>
            {advance.data ? "Close" : "Leave it"}
          </Button>
          <Button size="xs" type="submit" loading={advance.isPending}>
            Advance it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Done({ of }: { of: AdvancedOut }) {
  return (
    <Text size="sm" role="status">
      {of.fired} {of.fired === 1 ? "job was" : "jobs were"} made, {of.released} that waited may go,{" "}
      {of.expired} were called off.
      {!of.is_done && ` It stopped on the way to ${of.goal_at}: advance it to there.`}
    </Text>
  );
}
