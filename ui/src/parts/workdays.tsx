import "@mantine/core/styles/Checkbox.css";
import "@mantine/core/styles/Chip.css";
import { Button, Chip, Group, Modal, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Refused, told } from "../api";
import { calendarsGet, calendarsList, calendarsPut, calendarsRemove } from "../client/sdk.gen";
import type { CalendarOut } from "../client/types.gen";
import { Act, refusals, useAct } from "./act";
import { Listed } from "./listed";
import { Opening } from "./opening";
import { Nothing, Shown, Wrong } from "./shown";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const BLANK: CalendarOut = { name: "", weekend: ["sat", "sun"], holidays: [], closed: [] };

/** Calendars of working days, to which schedules keep. */
export function Workdays() {
  const [edited, setEdited] = useState<string | null>(null);
  const list = useQuery({
    queryKey: ["calendars", "list"],
    queryFn: () => told(calendarsList({ query: { limit: 500 } })),
    refetchInterval: 30_000,
  });
  return (
    <>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          A schedule may keep to the working days of one of these: what is due on other days is left
          out or moved.
        </Text>
        <Opening
          name="New calendar"
          needs="schedules:write"
          isFirst
          onClick={() => setEdited("")}
        />
      </Group>
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <Listed
              label="Calendars"
              width={700}
              rows={data}
              keyOf={(each) => each.name}
              columns={[
                { name: "Calendar", of: (each) => <Text size="sm">{each.name}</Text> },
                {
                  name: "Weekend",
                  of: (each) => <Text size="sm">{each.weekend.join(", ") || "none"}</Text>,
                },
                { name: "Holidays", of: (each) => <Holidays of={each} /> },
                { name: "Closed times", isNumber: true, of: (each) => each.closed.length },
                {
                  name: "Actions",
                  of: (each) => <Actions of={each} edit={() => setEdited(each.name)} />,
                },
              ]}
            />
          ) : (
            <Nothing title="There is no calendar yet">
              Make one with the holidays of a country or a company, by hand or of an iCalendar file.
            </Nothing>
          )
        }
      </Shown>
      <Modal
        opened={edited !== null}
        onClose={() => setEdited(null)}
        title={edited ? `Calendar ${edited}` : "New calendar"}
        size="lg"
      >
        {edited !== null && <Editing name={edited} close={() => setEdited(null)} />}
      </Modal>
    </>
  );
}

function Holidays({ of }: { of: CalendarOut }) {
  const shown = of.holidays.slice(0, 4);
  return (
    <Text size="sm">
      {shown.join(", ") || "none"}
      {of.holidays.length > shown.length && ` and ${of.holidays.length - shown.length} more`}
    </Text>
  );
}

function Actions({ of, edit }: { of: CalendarOut; edit: () => void }) {
  return (
    <Group gap="xs" wrap="nowrap">
      <Opening
        name="Edit"
        label={`Edit ${of.name}`}
        needs="schedules:write"
        size="compact-xs"
        onClick={edit}
      />
      <Act
        name="Remove"
        needs="schedules:write"
        size="compact-xs"
        color="red"
        asks={`The calendar ${of.name} is taken away; that is refused while schedules keep to it.`}
        done={`${of.name} is removed.`}
        reads={["calendars"]}
        does={() => calendarsRemove({ path: { name: of.name } })}
      />
    </Group>
  );
}

interface Read {
  calendar: CalendarOut;
  etag: string | null;
}

function Editing({ name, close }: { name: string; close: () => void }) {
  const found = useQuery({
    queryKey: ["calendar edited", name],
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async (): Promise<Read> => {
      if (!name) return { calendar: BLANK, etag: null };
      const answer = await calendarsGet({ path: { name } });
      return {
        calendar: answer.data as CalendarOut,
        etag: answer.response?.headers.get("etag") ?? null,
      };
    },
  });
  return <Shown of={found}>{(read) => <Fields read={read} close={close} />}</Shown>;
}

const lines = (text: string): string[] =>
  text
    .split(/[\n,]/)
    .map((each) => each.trim())
    .filter(Boolean);

function Fields({ read, close }: { read: Read; close: () => void }) {
  const { calendar, etag } = read;
  const isNew = etag === null;
  const [name, setName] = useState(calendar.name);
  const [weekend, setWeekend] = useState<string[]>(calendar.weekend);
  const [holidays, setHolidays] = useState(calendar.holidays.join("\n"));
  const [closed, setClosed] = useState(calendar.closed.map((each) => each.join("/")).join("\n"));
  const [ics, setIcs] = useState("");
  const save = useAct({
    does: () =>
      told(
        calendarsPut({
          path: { name },
          headers: isNew ? undefined : { "If-Match": etag },
          body: {
            weekend,
            holidays: lines(holidays),
            closed: lines(closed).map((each) => each.split("/") as [string, string]),
            ics: ics.trim() || undefined,
          },
        }),
      ),
    done: (made) =>
      made.changed.length
        ? `${made.name} is kept; ${made.changed.length} schedules changed with it.`
        : `${made.name} is kept.`,
    reads: ["calendars", "schedules", "calendar"],
    after: close,
    isShown: true,
  });
  const wrong = refusals(save.error);
  const isOvertaken = save.error instanceof Refused && save.error.status === 412;

  function submit(event: FormEvent): void {
    event.preventDefault();
    save.mutate();
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {save.error && !Object.keys(wrong).length && <Wrong error={save.error} />}
        {isOvertaken && (
          <Text size="sm">Close this, and open it again: then it shows what holds now.</Text>
        )}
        {isNew && (
          <TextInput
            label="Name"
            required
            value={name}
            error={wrong.name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        )}
        <div>
          <Text size="sm" fw={500} id="weekend">
            Weekend
          </Text>
          <Chip.Group multiple value={weekend} onChange={setWeekend}>
            <Group gap="xs" role="group" aria-labelledby="weekend">
              {DAYS.map((each) => (
                <Chip key={each} size="xs" value={each}>
                  {each}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
          {wrong.weekend && (
            <Text size="xs" c="red">
              {wrong.weekend}
            </Text>
          )}
        </div>
        <Textarea
          label="Holidays"
          description="Days, one in each line"
          autosize
          minRows={3}
          maxRows={10}
          placeholder="2027-12-25"
          value={holidays}
          error={wrong.holidays}
          classNames={{ input: "mono" }}
          onChange={(event) => setHolidays(event.currentTarget.value)}
        />
        <Textarea
          label="Closed times"
          description="BEGIN/END, one in each line"
          autosize
          maxRows={10}
          placeholder="2027-08-01T00:00Z/2027-08-15T00:00Z"
          value={closed}
          error={wrong.closed}
          classNames={{ input: "mono" }}
          onChange={(event) => setClosed(event.currentTarget.value)}
        />
        <Textarea
          label="More of an iCalendar file"
          description="The text of an .ics file; its days and times are added"
          autosize
          maxRows={6}
          value={ics}
          error={wrong.ics}
          classNames={{ input: "mono" }}
          onChange={(event) => setIcs(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button size="xs" variant="default" onClick={close}>
            Leave it
          </Button>
          <Button size="xs" type="submit" loading={save.isPending}>
            Keep it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
