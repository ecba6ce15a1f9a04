import {
  Button,
  Card,
  Code,
  Grid,
  Group,
  Stack,
  Table,
  Text,
  TextInput,
  Timeline,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";
import { told } from "../api";
import { channelsList, incidentsGet, incidentsNote, noticesList } from "../client/sdk.gen";
import type { IncidentWithChanges, NoticeOut } from "../client/types.gen";
import { useAct } from "../parts/act";
import { AlertTabs } from "../parts/alert_tabs";
import { Copy } from "../parts/copying";
import { Going } from "../parts/going";
import { IncidentActs, SubjectLink, standing } from "../parts/incident";
import { Page } from "../parts/page";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";
import { refusedAt } from "../parts/typed";
import { useMay } from "../session";

/** One incident: what is wrong, what may help, and all that happened to it. */
export function Incident() {
  const { incident } = useParams({ strict: false }) as { incident: string };
  const found = useQuery({
    queryKey: ["incidents", incident],
    queryFn: () => told(incidentsGet({ path: { incident } })),
    refetchInterval: 15_000,
  });
  const of = found.data;
  return (
    <Page
      title={of?.facts.what ?? "Incident"}
      beside={of && <StateBadge of={of.severity} />}
      actions={
        of && (
          <>
            <IncidentActs of={of} />
            <Going
              to="/alerts/silences"
              search={{ new: "yes", rules: of.rule, names: of.name, reason: of.facts.what }}
              size="sm"
            >
              Silence this
            </Going>
          </>
        )
      }
    >
      <AlertTabs />
      <Shown of={found}>
        {(incident) => (
          <Grid>
            <Grid.Col span={{ base: 12, md: 7 }}>
              <Stack gap="sm">
                <Standing of={incident} />
                <LastError of={incident} />
                <ToTry of={incident} />
                <Changed of={incident} />
              </Stack>
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 5 }}>
              <Happened of={incident} />
            </Grid.Col>
          </Grid>
        )}
      </Shown>
    </Page>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card withBorder padding="sm">
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      {children}
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w={150} fw={500} c="dimmed">
        {name}
      </Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  );
}

function Standing({ of }: { of: IncidentWithChanges }) {
  return (
    <Part title="How it stands">
      <Table verticalSpacing={3} withRowBorders={false} aria-label="How it stands">
        <Table.Tbody>
          <Fact name="State">
            {standing(of)}, <Moment at={of.state_at} />
            {of.state === "snoozed" && (
              <>
                , until <Moment at={of.snoozed_until} />
              </>
            )}
          </Fact>
          <Fact name="Of">
            {of.kind} <SubjectLink of={of} />
          </Fact>
          <Fact name="Rule">
            <Going to="/alerts/rules" search={{ edit: of.rule }} size="sm">
              {of.rule}
            </Going>
          </Fact>
          <Fact name="Since">
            <Moment at={of.facts.since} />
          </Fact>
          <Fact name="Opened">
            <Moment at={of.opened_at} />
            {of.reopened ? `, again ${of.reopened}×` : ""}
            {of.flapping ? "; it opens and closes all the time" : ""}
          </Fact>
          <Fact name="Last found so">
            <Moment at={of.seen_at} />
          </Fact>
          <Fact name="Last good run">
            {of.facts.last_good_at ? (
              <Moment at={of.facts.last_good_at} />
            ) : of.resolved_at ? (
              "none before"
            ) : (
              "none is known"
            )}
          </Fact>
          {of.silenced_by && (
            <Fact name="Silenced">
              <Going to="/alerts/silences" size="sm">
                nobody is told of it
              </Going>
            </Fact>
          )}
          {of.inhibited_by && <Fact name="Follows from">{of.inhibited_by}; that is told</Fact>}
          {Object.entries(of.facts.figures).map(([name, figure]) => (
            <Fact key={name} name={name.replaceAll("_", " ")}>
              {figure}
            </Fact>
          ))}
          <Fact name="See also">
            <Group gap="sm">
              {of.kind === "task" && (
                <>
                  <Going to="/jobs" search={{ task: of.name, state: ["failed"] }} size="sm">
                    its failed jobs
                  </Going>
                  <Going to="/reports" search={{ kind: "task", name: of.name }} size="sm">
                    how the task fares
                  </Going>
                </>
              )}
              {of.kind === "schedule" && (
                <>
                  <Going to="/jobs" search={{ schedule: of.name }} size="sm">
                    its jobs
                  </Going>
                  <Going to="/reports" search={{ kind: "schedule", name: of.name }} size="sm">
                    how the schedule fares
                  </Going>
                </>
              )}
              {of.kind === "queue" && (
                <>
                  <Going to="/jobs" search={{ queue: of.name, state: ["pending"] }} size="sm">
                    what waits
                  </Going>
                  <Going to="/reports" search={{ kind: "queue", name: of.name }} size="sm">
                    how the queue fares
                  </Going>
                </>
              )}
              <Going to="/alerts" search={{ state: "all", subject: of.name }} size="sm">
                its other incidents
              </Going>
            </Group>
          </Fact>
        </Table.Tbody>
      </Table>
    </Part>
  );
}

function LastError({ of }: { of: IncidentWithChanges }) {
  const error = of.facts.last_error;
  if (!error) return null;
  return (
    <Part title="Last error">
      <Text size="sm" fw={550}>
        {error.type ?? "It says not of what kind"}
      </Text>
      {error.message && <pre className="text">{error.message}</pre>}
      <Text size="xs" c="dimmed" mt={4}>
        {error.place && <span className="mono">{error.place} · </span>}
        <Moment at={error.at} />
        {error.job && (
          <>
            {" · "}
            <Going to="/jobs/$job" params={{ job: error.job }} size="xs">
              the job
            </Going>
          </>
        )}
      </Text>
    </Part>
  );
}

function ToTry({ of }: { of: IncidentWithChanges }) {
  if (!of.facts.to_try.length) return null;
  return (
    <Part title="What to try">
      <Stack gap={6}>
        {of.facts.to_try.map((each) => (
          <Group key={each} gap={6} wrap="nowrap">
            <Code style={{ overflowWrap: "anywhere" }}>{each}</Code>
            <Copy text={each} name="Copy" />
          </Group>
        ))}
      </Stack>
    </Part>
  );
}

function Changed({ of }: { of: IncidentWithChanges }) {
  if (!of.facts.changed.length) return null;
  return (
    <Part title="What was changed before">
      {of.facts.changed.map((each) => (
        <Text key={`${each.at} ${each.what}`} size="sm">
          {each.what}
          {each.by ? ` by ${each.by}` : ""}{" "}
          <Text span c="dimmed" size="xs">
            <Moment at={each.at} />
          </Text>
        </Text>
      ))}
    </Part>
  );
}

interface Event {
  at: string;
  key: string;
  what: ReactNode;
  more?: string | null;
}

function Happened({ of }: { of: IncidentWithChanges }) {
  const may = useMay("channels:manage");
  const notices = useQuery({
    queryKey: ["incidents", of.id, "notices"],
    queryFn: () => told(noticesList({ query: { incident: of.id, limit: 200 } })),
    enabled: may,
    refetchInterval: 15_000,
  });
  const channels = useQuery({
    queryKey: ["channels", "list"],
    queryFn: () => told(channelsList()),
    enabled: may,
  });
  const names = new Map(channels.data?.data.map((each) => [each.id, each.name]));
  const events: Event[] = [
    ...of.changes.map((each) => ({
      at: each.at,
      key: `change ${each.number}`,
      what: `${each.what}${each.by === "judge" ? "" : ` by ${each.by.replace(/^user:/, "")}`}`,
      more: each.note,
    })),
    ...(notices.data?.data ?? []).map((each) => ({
      at: each.settled_at ?? each.made_at,
      key: each.id,
      what: <Delivery of={each} channel={names.get(each.channel) ?? "a channel"} />,
      more: each.why,
    })),
  ].sort((one, other) => one.at.localeCompare(other.at));
  return (
    <Part title="What happened">
      <Note of={of} />
      {events.length ? (
        <Timeline bulletSize={12} lineWidth={1} active={events.length} mt="md">
          {events.map((each) => (
            <Timeline.Item key={each.key} mt="xs">
              <Text size="sm" component="div">
                {each.what}{" "}
                <Text span c="dimmed" size="xs">
                  <Moment at={each.at} />
                </Text>
              </Text>
              {each.more && <pre className="text">{each.more}</pre>}
            </Timeline.Item>
          ))}
        </Timeline>
      ) : (
        <Nothing title="Nothing is on record of it any more" />
      )}
      {!may && (
        <Text size="xs" c="dimmed" mt="xs">
          To whom it was told is shown to those who have channels:manage.
        </Text>
      )}
    </Part>
  );
}

const CAME: Record<NoticeOut["state"], string> = {
  held: "is kept for",
  due: "waits for",
  sending: "is being sent to",
  sent: "was sent to",
  failed: "could not be sent to",
  dropped: "was not sent to",
};

function Delivery({ of, channel }: { of: NoticeOut; channel: string }) {
  return (
    <>
      notice “{of.kind}” {CAME[of.state]}{" "}
      <Going to="/alerts/notices" search={{ notice: of.id }} size="sm">
        {channel}
      </Going>
      {of.count > 1 ? ` with ${of.count - 1} more` : ""}
    </>
  );
}

function Note({ of }: { of: IncidentWithChanges }) {
  const [note, setNote] = useState("");
  const may = useMay("incidents:manage");
  const keep = useAct({
    does: () => told(incidentsNote({ path: { incident: of.id }, body: { note } })),
    reads: ["incidents"],
    after: () => setNote(""),
    isShown: true,
  });
  const wrong = refusedAt(keep.error);
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        keep.mutate();
      }}
    >
      {keep.error && !wrong.note && <Wrong error={keep.error} />}
      <Group gap="xs" align="flex-end" wrap="nowrap">
        <TextInput
          label="Note"
          size="xs"
          flex={1}
          disabled={!may}
          description={may ? undefined : "You lack incidents:manage"}
          value={note}
          error={wrong.note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <Button
          size="xs"
          variant="default"
          type="submit"
          disabled={!may || !note.trim()}
          loading={keep.isPending}
        >
          Add
        </Button>
      </Group>
    </form>
  );
}
