import { Button, Group, Modal, NativeSelect, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { incidentsAcknowledge, incidentsResolve, incidentsSnooze } from "../client/sdk.gen";
import type { IncidentOut } from "../client/types.gen";
import { useMay } from "../session";
import { Act, useAct } from "./act";
import { Going } from "./going";
import { Wrong } from "./shown";
import { refusedAt } from "./typed";

const FOR_LONG = ["30m", "1h", "4h", "8h", "1d", "3d", "7d", "30d"];
const READS = ["incidents"];

/** What can be done about an incident: see to it, put it off, say that it is over, silence it. */
export function IncidentActs({ of, size }: { of: IncidentOut; size?: "xs" | "compact-xs" }) {
  const path = { incident: of.id };
  const isOver = of.state === "resolved" && "It is resolved.";
  return (
    <Group gap={6} wrap="nowrap">
      <Act
        name="Acknowledge"
        needs="incidents:manage"
        size={size}
        off={of.state !== "open" && `It is ${of.state}.`}
        reads={READS}
        does={() => told(incidentsAcknowledge({ path, body: {} }))}
      />
      <Snooze of={of} size={size} off={isOver} />
      <Act
        name="Resolve"
        needs="incidents:manage"
        size={size}
        off={isOver}
        reads={READS}
        does={() => told(incidentsResolve({ path, body: {} }))}
      />
    </Group>
  );
}

interface SnoozeOf {
  of: IncidentOut;
  size?: "xs" | "compact-xs";
  off: string | false;
}

function Snooze({ of, size = "xs", off }: SnoozeOf) {
  const [isOpen, { open, close }] = useDisclosure();
  const [lasts, setLasts] = useState("1h");
  const [note, setNote] = useState("");
  const may = useMay("incidents:manage");
  const snooze = useAct({
    does: () =>
      told(
        incidentsSnooze({
          path: { incident: of.id },
          body: { for: lasts, note: note.trim() || null },
        }),
      ),
    reads: READS,
    after: close,
    isShown: true,
  });
  const wrong = refusedAt(snooze.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    snooze.mutate();
  }

  return (
    <>
      <Tooltip label={may ? off : "You lack incidents:manage"} disabled={may && !off}>
        <Button size={size} variant="default" disabled={!may || Boolean(off)} onClick={open}>
          Snooze
        </Button>
      </Tooltip>
      <Modal opened={isOpen} onClose={close} title="Snooze it" centered>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Text size={size}>
              Nobody is reminded of “{of.facts.what}” until then; its end is told all the same.
            </Text>
            {snooze.error && !Object.keys(wrong).length && <Wrong error={snooze.error} />}
            <NativeSelect
              label="For how long"
              data={FOR_LONG}
              value={lasts}
              error={wrong.for}
              onChange={(event) => setLasts(event.currentTarget.value)}
            />
            <TextInput
              label="Note"
              placeholder="what is being done about it"
              value={note}
              error={wrong.note}
              onChange={(event) => setNote(event.currentTarget.value)}
            />
            <Group justify="flex-end">
              <Button size="xs" variant="default" onClick={close}>
                Leave it
              </Button>
              <Button size="xs" type="submit" loading={snooze.isPending}>
                Snooze it
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

interface SubjectOf {
  of: Pick<IncidentOut, "kind" | "name" | "subject">;
  size?: "xs" | "sm";
}

/** What it is about, as a link to the page of that. */
export function SubjectLink({ of, size = "sm" }: SubjectOf) {
  switch (of.kind) {
    case "task":
      return (
        <Going to="/jobs" search={{ task: of.name }} size={size}>
          {of.name}
        </Going>
      );
    case "schedule":
      return (
        <Going to="/schedules/$" params={{ _splat: of.name }} size={size}>
          {of.name}
        </Going>
      );
    case "job":
      return (
        <Going to="/jobs/$job" params={{ job: of.subject }} size={size}>
          {of.name}
        </Going>
      );
    case "queue":
      return (
        <Going to="/queues" size={size}>
          {of.name}
        </Going>
      );
    case "worker":
      return (
        <Going to="/workers" size={size}>
          {of.name}
        </Going>
      );
    case "webhook":
      return (
        <Going to="/webhooks" size={size}>
          {of.name}
        </Going>
      );
    case "channel":
      return (
        <Going to="/alerts/channels" size={size}>
          {of.name}
        </Going>
      );
    default:
      return (
        <Going to="/system" size={size}>
          {of.name}
        </Going>
      );
  }
}

/** How it stands, and by whom: open; snoozed until then by ann. */
export function standing(of: IncidentOut): string {
  const by = of.state_by === "judge" ? "" : ` by ${of.state_by.replace(/^user:/, "")}`;
  return `${of.state}${of.state === "open" ? "" : by}`;
}
