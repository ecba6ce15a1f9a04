import "@mantine/core/styles/Checkbox.css";
import "@mantine/core/styles/Progress.css";
import {
  Button,
  Card,
  Checkbox,
  Group,
  Modal,
  Progress,
  ScrollArea,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { backfillsBegin, backfillsList, backfillsStop } from "../client/sdk.gen";
import type { BackfillOut, GapsOut } from "../client/types.gen";
import { Act, refusals, useAct } from "./act";
import { Opening } from "./opening";
import { Nothing, Shown, Wrong } from "./shown";
import { Moment, moment, nameOf, useZone } from "./time";
import { instant } from "./until";

/** Jobs of moments that are over, wanted after all: those under way, and a new one. */
export function Backfills({ name }: { name: string }) {
  const [isAsked, { open, close }] = useDisclosure();
  const list = useQuery({
    queryKey: ["schedules", name, "backfills"],
    queryFn: () => told(backfillsList({ query: { schedule: name, limit: 5 } })),
    refetchInterval: (query) =>
      query.state.data?.data.some((each) => !each.ended_at) ? 2_000 : 30_000,
  });
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          Backfills
        </Title>
        <Opening name="Backfill…" needs="schedules:trigger" size="compact-xs" onClick={open} />
      </Group>
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <Stack gap="xs">
              {data.map((each) => (
                <One key={each.id} of={each} />
              ))}
            </Stack>
          ) : (
            <Text size="sm" c="dimmed">
              None. A backfill makes the jobs of moments that were missed, skipped, or before it was
              made.
            </Text>
          )
        }
      </Shown>
      <Modal opened={isAsked} onClose={close} title={`Backfill ${name}`} size="lg">
        <Asking name={name} close={close} />
      </Modal>
    </Card>
  );
}

function One({ of }: { of: BackfillOut }) {
  const [zone] = useZone();
  const isOver = of.ended_at !== null;
  return (
    <section aria-label={`Backfill of ${of.total}`}>
      <Group justify="space-between" gap="xs">
        <Text size="sm">
          {moment(of.from, zone)} to {moment(of.to, zone)}
        </Text>
        {isOver ? (
          <Text size="xs" c="dimmed">
            {of.stopped ? `stopped ${of.stopped}` : "done"} <Moment at={of.ended_at} />
          </Text>
        ) : (
          <Act
            name="Stop"
            needs="schedules:trigger"
            size="compact-xs"
            asks="No more of its jobs are made; those that were made go on."
            done="It is stopped."
            reads={["schedules"]}
            does={() => told(backfillsStop({ path: { backfill: of.id } }))}
          />
        )}
      </Group>
      <Progress
        value={(100 * of.made) / Math.max(1, of.total)}
        aria-label={`${of.made} of ${of.total} jobs made`}
      />
      <Text size="xs" c="dimmed">
        {of.made} of {of.total} made, {of.open} open, {of.at_once} at once, by {of.by}
        {of.why ? `: ${of.why}` : ""}
      </Text>
    </section>
  );
}

function Asking({ name, close }: { name: string; close: () => void }) {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [again, setAgain] = useState(false);
  const [atOnce, setAtOnce] = useState("1");
  const [why, setWhy] = useState("");
  const body = {
    schedule: name,
    from: instant(from) ?? from,
    to: instant(to) ?? to,
    again,
    at_once: Number(atOnce) || 0,
    why: why || undefined,
  };
  const look = useAct({
    does: () =>
      told(
        backfillsBegin({ body: { ...body, dry_run: true } }),
      ) as Promise<unknown> as Promise<GapsOut>,
    reads: [],
    isShown: true,
  });
  const begin = useAct({
    does: () => told(backfillsBegin({ body })),
    done: "It is under way.",
    reads: ["schedules"],
    after: close,
    isShown: true,
  });
  const error = begin.error ?? look.error;
  const wrong = refusals(error);
  const anew = <T,>(set: (to: T) => void) => {
    return (to: T) => {
      set(to);
      look.reset();
      begin.reset();
    };
  };

  function submit(event: FormEvent): void {
    event.preventDefault();
    look.mutate();
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {error && !Object.keys(wrong).length && <Wrong error={error} />}
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            type="datetime-local"
            step={1}
            label={`From (${nameOf("mine")})`}
            required
            value={from}
            error={wrong.from}
            onChange={(event) => anew(setFrom)(event.currentTarget.value)}
          />
          <TextInput
            type="datetime-local"
            step={1}
            label={`To, included (${nameOf("mine")})`}
            required
            value={to}
            error={wrong.to}
            onChange={(event) => anew(setTo)(event.currentTarget.value)}
          />
          <TextInput
            label="At once"
            description="So many open at one time"
            inputMode="numeric"
            value={atOnce}
            error={wrong.at_once}
            onChange={(event) => anew(setAtOnce)(event.currentTarget.value)}
          />
          <TextInput
            label="Why"
            description="For those who ask later"
            value={why}
            error={wrong.why}
            onChange={(event) => setWhy(event.currentTarget.value)}
          />
        </SimpleGrid>
        <Checkbox
          label="Also moments that had a job"
          checked={again}
          onChange={(event) => anew(setAgain)(event.currentTarget.checked)}
        />
        <Group>
          <Button size="xs" type="submit" variant="default" loading={look.isPending}>
            See what it would do
          </Button>
        </Group>
        {look.data && <Gaps of={look.data} />}
        <Group justify="flex-end">
          <Button size="xs" variant="default" onClick={close}>
            Leave it
          </Button>
          <Button
            size="xs"
            disabled={!look.data?.total}
            loading={begin.isPending}
            onClick={() => begin.mutate()}
          >
            {look.data ? `Make ${look.data.total.toLocaleString("en")} jobs` : "Make the jobs"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** What a backfill would do; nothing is done yet. */
function Gaps({ of }: { of: GapsOut }) {
  const [zone] = useZone();
  if (!of.total)
    return (
      <Nothing title="There is nothing to make">
        {of.passed ? `${of.passed} moments have had their job.` : "It has no moment in there."}
      </Nothing>
    );
  return (
    <div>
      <Text size="sm">
        {of.total.toLocaleString("en")} jobs would be made
        {of.passed ? `; ${of.passed} moments have had theirs, and are passed over` : ""}:
      </Text>
      <ScrollArea.Autosize mah={200} type="auto">
        {of.moments.map((each) => (
          <div key={each} className="mono">
            {moment(each, zone)}
          </div>
        ))}
        {of.total > of.moments.length && (
          <Text size="xs" c="dimmed">
            and {(of.total - of.moments.length).toLocaleString("en")} more
          </Text>
        )}
      </ScrollArea.Autosize>
    </div>
  );
}
