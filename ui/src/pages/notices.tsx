import { Badge, Button, Card, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import { channelsList, noticesGet, noticesList, noticesResend } from "../client/sdk.gen";
import type { NoticeOut, NoticeState } from "../client/types.gen";
import { Act } from "../parts/act";
import { AlertTabs } from "../parts/alert_tabs";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { Chosen, Narrowing, Turning } from "../parts/narrowing";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";
import { StateBadge } from "../parts/state";
import { lasting, Moment } from "../parts/time";

const STATES: NoticeState[] = ["held", "due", "sending", "sent", "failed", "dropped"];
const COLORS: Record<NoticeState, string> = {
  held: "gray",
  due: "blue",
  sending: "indigo",
  sent: "green",
  failed: "red",
  dropped: "orange",
};

/** What channels were told, and what came of it. */
export function Notices() {
  const [search] = useSought();
  const names = useChannelNames();
  const list = useQuery({
    queryKey: ["notices", "list", search.channel, search.state, search.after],
    queryFn: () =>
      told(
        noticesList({
          query: {
            channel: search.channel,
            state: search.state as NoticeState | undefined,
            after: search.after,
            limit: 50,
          },
        }),
      ),
    refetchInterval: 15_000,
  });
  return (
    <Page title="Notices">
      <AlertTabs />
      <Narrowing>
        <Chosen label="Channel" name="channel" none="any" choices={[...names.values()]} />
        <Chosen label="State" name="state" none="any" choices={STATES} />
      </Narrowing>
      {search.notice && <Notice id={search.notice} names={names} />}
      <Shown of={list}>
        {({ data, page }) => (
          <>
            {data.length ? (
              <Rows of={data} names={names} />
            ) : (
              <Nothing
                title={search.channel || search.state ? "No notice fits" : "Nobody was told"}
              >
                {search.channel || search.state ? (
                  <Going to="/alerts/notices">Show all</Going>
                ) : (
                  "No channel was told anything yet."
                )}
              </Nothing>
            )}
            <Turning next={page.next} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function useChannelNames(): Map<string, string> {
  const channels = useQuery({
    queryKey: ["channels", "list"],
    queryFn: () => told(channelsList()),
  });
  return new Map(channels.data?.data.map((each) => [each.id, each.name]));
}

function State({ of }: { of: NoticeState }) {
  return (
    <Badge color={COLORS[of]} variant="light" radius="sm" tt="none">
      {of}
    </Badge>
  );
}

function Resend({ of }: { of: NoticeOut }) {
  const waits = ["held", "due", "sending"].includes(of.state);
  return (
    <Act
      name="Send again"
      needs="channels:manage"
      size="compact-xs"
      off={waits && "It is sent by itself."}
      reads={["notices", "channels", "incidents"]}
      does={() => told(noticesResend({ path: { notice: of.id } }))}
    />
  );
}

function Rows({ of, names }: { of: NoticeOut[]; names: Map<string, string> }) {
  const [search] = useSought();
  return (
    <Card withBorder padding={0}>
      <Listed
        label="Notices"
        rows={of}
        keyOf={(each) => each.id}
        width={900}
        columns={[
          { name: "State", of: (each) => <State of={each.state} /> },
          { name: "Channel", of: (each) => names.get(each.channel) ?? "one that is gone" },
          {
            name: "Tells",
            of: (each) => (
              <>
                <Going to="/alerts/notices" search={{ ...search, notice: each.id }} size="sm">
                  {each.kind}
                </Going>{" "}
                {each.incidents[0] ? (
                  <Text size="xs" c="dimmed">
                    {each.incidents[0].what}
                    {each.count > 1 ? ` and ${each.count - 1} more` : ""}
                  </Text>
                ) : null}
                {each.why && (
                  <Text size="xs" c="red">
                    {each.why}
                  </Text>
                )}
              </>
            ),
          },
          { name: "Rule", of: (each) => each.rule },
          { name: "Severity", of: (each) => <StateBadge of={each.severity} /> },
          { name: "Attempts", isNumber: true, of: (each) => each.attempts },
          { name: "Made", isNumber: true, of: (each) => <Moment at={each.made_at} /> },
          {
            name: "Settled",
            isNumber: true,
            of: (each) => <Moment at={each.settled_at} />,
          },
          { name: "", isNumber: true, of: (each) => <Resend of={each} /> },
        ]}
      />
    </Card>
  );
}

/** One of them, with each attempt to send it. */
function Notice({ id, names }: { id: string; names: Map<string, string> }) {
  const [, seek] = useSought();
  const found = useQuery({
    queryKey: ["notices", id],
    queryFn: () => told(noticesGet({ path: { notice: id } })),
    refetchInterval: 5_000,
  });
  return (
    <Card withBorder padding="sm">
      <Shown of={found}>
        {(notice) => (
          <Stack gap="xs">
            <Group justify="space-between">
              <Group gap="xs">
                <Title order={2} size="h5">
                  {notice.kind} to {names.get(notice.channel) ?? "a channel that is gone"}
                </Title>
                <State of={notice.state} />
              </Group>
              <Group gap="xs">
                <Resend of={notice} />
                <Button
                  size="compact-xs"
                  variant="default"
                  onClick={() => seek({ notice: undefined })}
                >
                  Close
                </Button>
              </Group>
            </Group>
            {notice.why && (
              <Text size="sm" c="red">
                {notice.why}
              </Text>
            )}
            {notice.incidents.map((each) => (
              <Group key={each.id} gap="xs" wrap="nowrap" align="flex-start">
                <StateBadge of={each.severity} />
                <Text size="sm">
                  {each.change}:{" "}
                  <Going to="/alerts/incidents/$incident" params={{ incident: each.id }} size="sm">
                    {each.what}
                  </Going>
                </Text>
              </Group>
            ))}
            {notice.count > notice.incidents.length && notice.incidents.length > 0 && (
              <Text size="sm">and {notice.count - notice.incidents.length} more</Text>
            )}
            {notice.tries.length ? (
              <Listed
                label="Attempts"
                rows={notice.tries}
                keyOf={(each) => String(each.number)}
                width={500}
                columns={[
                  { name: "Attempt", isNumber: true, of: (each) => each.number },
                  { name: "At", isNumber: true, of: (each) => <Moment at={each.at} /> },
                  { name: "Code", isNumber: true, of: (each) => each.status ?? "–" },
                  {
                    name: "Took",
                    isNumber: true,
                    of: (each) =>
                      each.latency_seconds == null ? "–" : lasting(each.latency_seconds),
                  },
                  {
                    name: "What came of it",
                    of: (each) => (
                      <>
                        <Text size="sm">{each.error ?? "taken"}</Text>
                        {each.answer && <pre className="text">{each.answer}</pre>}
                      </>
                    ),
                  },
                ]}
              />
            ) : (
              <Text size="sm" c="dimmed">
                It was not tried yet; it is due <Moment at={notice.due_at} />.
              </Text>
            )}
          </Stack>
        )}
      </Shown>
    </Card>
  );
}
