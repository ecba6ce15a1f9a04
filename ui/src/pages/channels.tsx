import "@mantine/core/styles/Checkbox.css";
import {
  Alert,
  Badge,
  Button,
  Card,
  Checkbox,
  Code,
  Grid,
  Group,
  NativeSelect,
  PasswordInput,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Textarea,
  TextInput,
  Title,
  Tooltip,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";
import { told } from "../api";
import {
  channelsAdd,
  channelsEdit,
  channelsGet,
  channelsList,
  channelsRemove,
  channelsStats,
  channelsTest,
} from "../client/sdk.gen";
import type {
  ChannelKind,
  ChannelMade,
  ChannelOut,
  ChannelSeen,
  Tells,
  TestOut,
} from "../client/types.gen";
import { Act, useAct } from "../parts/act";
import { AlertTabs } from "../parts/alert_tabs";
import { Cards } from "../parts/cards";
import { Copy } from "../parts/copying";
import { Going } from "../parts/going";
import {
  blank,
  type ChannelTyped,
  changeOf,
  channelOf,
  hearsInWords,
  LEADS,
  type Lead,
  PATTERNS,
  SPANS,
  typedOf,
} from "../parts/leads";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { useSought } from "../parts/sought";
import { lasting, Moment } from "../parts/time";
import { marked, refusedAt } from "../parts/typed";
import { useMay } from "../session";

const READS = ["channels"];
const NEEDS = "channels:manage";

/** Where incidents are told; one of them in a form, where the address says so. */
export function Channels() {
  const [search] = useSought();
  if (search.edit) return <Edited key={search.edit} name={search.edit} />;
  if (search.new) return <Added />;
  return <List />;
}

function List() {
  const [tested, setTested] = useState<{ name: string; came: TestOut } | null>(null);
  const list = useQuery({
    queryKey: ["channels", "list"],
    queryFn: () => told(channelsList()),
    refetchInterval: 15_000,
  });
  const [, seek] = useSought();
  return (
    <Page
      title="Channels"
      actions={
        <Opening
          name="New channel"
          needs="channels:manage"
          isFirst
          onClick={() => seek({ new: "yes" })}
        />
      }
    >
      <AlertTabs />
      {tested && <Came of={tested.came} name={tested.name} close={() => setTested(null)} />}
      <Shown of={list}>
        {({ data }) =>
          data.length ? (
            <Rows of={data} tested={(name, came) => setTested({ name, came })} />
          ) : (
            <Nothing title="Nobody is told anything">
              <Going to="/alerts/channels" search={{ new: "yes" }}>
                Add a channel
              </Going>{" "}
              by which incidents are told: Slack, e-mail, a webhook, PagerDuty, or what apprise
              knows.
            </Nothing>
          )
        }
      </Shown>
    </Page>
  );
}

/** What came of a test. */
function Came({ of, name, close }: { of: TestOut; name: string; close: () => void }) {
  const status = of.status == null ? "" : `, answered ${of.status}`;
  const took = of.latency_seconds == null ? "" : ` in ${lasting(of.latency_seconds)}`;
  return (
    <Alert
      role="status"
      color={of.sent ? (of.doubt ? "yellow" : "green") : "red"}
      title={
        of.sent ? `${name} took it${status}${took}.` : `${name} did not take it${status}${took}.`
      }
      withCloseButton
      closeButtonLabel="Close"
      onClose={close}
    >
      {of.error && <Text size="sm">{of.error}</Text>}
      {of.doubt && <Text size="sm">{of.doubt}</Text>}
      {of.answer && <pre className="text">{of.answer}</pre>}
      <Going to="/alerts/notices" search={{ notice: of.notice }} size="sm">
        On record
      </Going>
    </Alert>
  );
}

interface RowsOf {
  of: ChannelSeen[];
  tested: (name: string, came: TestOut) => void;
}

function Rows({ of, tested }: RowsOf) {
  const stats = useQuery({
    queryKey: ["channels", "stats", "7d"],
    queryFn: () => told(channelsStats({ query: { window: "7d" } })),
  });
  const counted = (name: string) => {
    const found = stats.data?.data.filter((each) => each.channel === name) ?? [];
    return {
      sent: found.reduce((sum, each) => sum + each.sent, 0),
      failed: found.reduce((sum, each) => sum + each.failed, 0),
    };
  };
  return (
    <Card withBorder padding={0}>
      <Cards verticalSpacing={5} width={940} aria-label="Channels">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Channel</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Hears of</Table.Th>
            <Table.Th className="number">Waiting</Table.Th>
            <Table.Th className="number">Sent, 7 d</Table.Th>
            <Table.Th className="number">Failed, 7 d</Table.Th>
            <Table.Th w={220} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((each) => (
            <Table.Tr key={each.id}>
              <Table.Td>
                <Going to="/alerts/channels" search={{ edit: each.name }} size="sm" fw={550}>
                  {each.name}
                </Going>
                <Text size="xs" c="dimmed">
                  {LEADS[each.kind].name} · <span className="mono">{each.target}</span>
                </Text>
              </Table.Td>
              <Table.Td maw={260} data-label="State">
                <State of={each} />
              </Table.Td>
              <Table.Td data-label="Hears of">
                <Text size="sm">{hearsInWords(each.options)}</Text>
              </Table.Td>
              <Table.Td className="number" data-label="Waiting">
                <Going to="/alerts/notices" search={{ channel: each.name, state: "due" }} size="sm">
                  {each.waiting}
                </Going>
              </Table.Td>
              <Table.Td className="number" data-label="Sent, 7 d">
                {counted(each.name).sent}
              </Table.Td>
              <Table.Td className="number" data-label="Failed, 7 d">
                <Going
                  to="/alerts/notices"
                  search={{ channel: each.name, state: "failed" }}
                  size="sm"
                >
                  {counted(each.name).failed}
                </Going>
              </Table.Td>
              <Table.Td>
                <Acts of={each} tested={tested} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Cards>
    </Card>
  );
}

function State({ of }: { of: ChannelSeen }) {
  const look = !of.enabled
    ? (["gray", "off", of.disabled_why, of.disabled_at] as const)
    : of.fault
      ? (["red", "failing", of.fault, of.fault_at] as const)
      : (["green", "ok", null, null] as const);
  const [color, word, why, since] = look;
  return (
    <>
      <Badge color={color} variant="light" radius="sm" tt="none">
        {word}
      </Badge>
      {why && (
        <Text size="xs" c="dimmed">
          {why}
          {since && (
            <>
              , <Moment at={since} />
            </>
          )}
        </Text>
      )}
    </>
  );
}

function Acts({ of, tested }: { of: ChannelSeen; tested: RowsOf["tested"] }) {
  const path = { name: of.name };
  return (
    <Group gap={6} justify="flex-end" wrap="nowrap">
      <Act
        name="Send test"
        needs={NEEDS}
        size="compact-xs"
        reads={READS}
        does={() => told(channelsTest({ path }))}
        after={(came) => tested(of.name, came as TestOut)}
      />
      <Act
        name={of.enabled ? "Off" : "On"}
        needs={NEEDS}
        size="compact-xs"
        reads={READS}
        asks={of.enabled && `${of.name} is told nothing, also not what waits for it.`}
        does={() => told(channelsEdit({ path, body: { enabled: !of.enabled } }))}
      />
      <Act
        name="Remove"
        needs={NEEDS}
        size="compact-xs"
        reads={READS}
        asks={`${of.name} is gone, with the record of what it was told.`}
        does={() => told(channelsRemove({ path }))}
      />
    </Group>
  );
}

function Edited({ name }: { name: string }) {
  const found = useQuery({
    queryKey: ["channels", name],
    queryFn: () => marked(channelsGet({ path: { name } })),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  return (
    <Page title={`Channel ${name}`} actions={<Back />}>
      <AlertTabs />
      <Shown of={found}>{({ data, mark }) => <Form of={data} mark={mark} />}</Shown>
    </Page>
  );
}

function Added() {
  return (
    <Page title="New channel" actions={<Back />}>
      <AlertTabs />
      <Form />
    </Page>
  );
}

function Back() {
  return <Going to="/alerts/channels">All channels</Going>;
}

const LEAD_LABELS: Record<Lead, [label: string, more: string]> = {
  url: ["URL", ""],
  to: ["To", "addresses with a comma between"],
  key: ["Integration key", "of Events API v2"],
  secret: ["Secret", "what it is signed with; left empty, one is made"],
};
const URLS: Record<ChannelKind, string> = {
  slack: "the address of an incoming webhook",
  email: "",
  webhook: "who receives it, as https://example.com/hook",
  pagerduty: "of another region, if it is not the usual one",
  apprise: "as apprise writes it, like ntfy://topic",
};
const PATTERN_LABELS: Record<(typeof PATTERNS)[number], string> = {
  rules: "Rules",
  kinds: "Of what",
  names: "Names",
  queues: "Queues",
  tasks: "Tasks",
  tags: "Tags",
};
const SPAN_LABELS: Record<(typeof SPANS)[number], string> = {
  group_wait: "Wait for others of a rule",
  group_interval: "Between two of a rule",
  repeat: "Repeat while nobody sees to it",
  cooldown: "Not again so soon",
  gap: "Between two sendings",
};
/** What holds where nothing is typed. */
const USUAL: Record<string, string> = {
  group_wait: "30s",
  group_interval: "5m",
  repeat: "4h",
  cooldown: "5m",
  gap: "1s",
  daily: "300",
};
const TELLS: Tells[] = [
  "opened",
  "reopened",
  "worsened",
  "woken",
  "flapping",
  "resolved",
  "acknowledged",
  "snoozed",
  "noted",
  "repeated",
  "escalated",
];

function Form({ of, mark }: { of?: ChannelOut; mark?: string }) {
  const [typed, setTyped] = useState<ChannelTyped>(of ? typedOf(of) : blank("slack"));
  const navigate = useNavigate();
  const may = useMay(NEEDS);
  const others = useQuery({
    queryKey: ["channels", "list"],
    queryFn: () => told(channelsList()),
  });
  const type = (to: Partial<ChannelTyped>) => setTyped({ ...typed, ...to });
  const save = useAct<void, ChannelOut | ChannelMade>({
    does: () =>
      of
        ? told(
            channelsEdit({
              path: { name: of.name },
              body: changeOf(typed),
              headers: { "If-Match": mark },
            }),
          )
        : told(channelsAdd({ body: channelOf(typed) })),
    reads: READS,
    after: (made) => {
      if (!("secret" in made && made.secret)) void navigate({ to: "/alerts/channels" });
    },
    isShown: true,
  });
  const wrong = refusedAt(save.error);
  const made = save.data;
  if (made && "secret" in made && made.secret) return <Secret of={made} />;

  function written(name: keyof ChannelTyped, label: string, more?: ReactNode): ReactNode {
    return (
      <TextInput
        key={name}
        label={label}
        description={more}
        placeholder={USUAL[name]}
        value={typed[name]}
        error={wrong[name]}
        onChange={(event) => type({ [name]: event.currentTarget.value })}
      />
    );
  }

  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      {save.error && !Object.keys(wrong).some((each) => each in typed) && (
        <Wrong error={save.error} />
      )}
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack gap="sm">
            <Title order={2} size="h5">
              Where it leads
            </Title>
            {!of && written("name", "Name")}
            {!of && (
              <NativeSelect
                label="By what it tells"
                data={Object.entries(LEADS).map(([value, { name }]) => ({ value, label: name }))}
                value={typed.kind}
                error={wrong.kind}
                onChange={(event) => type({ kind: event.currentTarget.value as ChannelKind })}
              />
            )}
            {of && (
              <Text size="sm" c="dimmed">
                {LEADS[of.kind].name}: now it leads to <span className="mono">{of.target}</span>.
                What is left empty stays; what there is, is never shown.
              </Text>
            )}
            {LEADS[typed.kind].fields.map((each) =>
              each === "to" ? (
                written(each, ...LEAD_LABELS[each])
              ) : (
                <PasswordInput
                  key={each}
                  label={LEAD_LABELS[each][0]}
                  description={each === "url" ? URLS[typed.kind] : LEAD_LABELS[each][1]}
                  autoComplete="off"
                  aria-invalid={each in wrong || undefined}
                  value={typed[each]}
                  error={wrong[each]}
                  visibilityToggleButtonProps={{ "aria-label": `Show ${LEAD_LABELS[each][0]}` }}
                  onChange={(event) => type({ [each]: event.currentTarget.value })}
                />
              ),
            )}
            <Title order={2} size="h5" mt="sm">
              How often
            </Title>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
              {SPANS.map((each) => written(each, SPAN_LABELS[each]))}
              {written("daily", "The most in a day")}
              {written("quiet", "Quiet hours", "as 22:00-07:00 Europe/Paris")}
            </SimpleGrid>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack gap="sm">
            <Title order={2} size="h5">
              What it hears of
            </Title>
            <NativeSelect
              label="Severity"
              description="that, and what is worse"
              data={["info", "warning", "error", "critical"]}
              value={typed.severity}
              error={wrong.severity}
              onChange={(event) => type({ severity: event.currentTarget.value })}
            />
            <Text size="xs" c="dimmed">
              Patterns with a comma between, as mail.*; one with ! before it takes away; empty: all.
            </Text>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
              {PATTERNS.map((each) => written(each, PATTERN_LABELS[each]))}
            </SimpleGrid>
            <Checkbox.Group
              label="What it is told"
              description="none: what is usual"
              error={wrong.changes}
              value={typed.changes}
              onChange={(changes) => type({ changes })}
            >
              <SimpleGrid cols={3} spacing="xs" mt={6}>
                {TELLS.map((each) => (
                  <Checkbox key={each} size="xs" value={each} label={each} />
                ))}
              </SimpleGrid>
            </Checkbox.Group>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
              {written("escalate_after", "If nobody sees to it for", "of what is critical, as 15m")}
              <NativeSelect
                label="Tell this one too"
                description="then"
                data={[
                  { value: "", label: "nobody else" },
                  ...(others.data?.data ?? [])
                    .map((each) => each.name)
                    .filter((name) => name !== of?.name),
                ]}
                value={typed.escalate_to}
                error={wrong.escalate_to}
                onChange={(event) => type({ escalate_to: event.currentTarget.value })}
              />
            </SimpleGrid>
            {written("title", "Template of the title", "empty: ours")}
            <Textarea
              label="Template of the text"
              autosize
              minRows={2}
              value={typed.text}
              error={wrong.text}
              onChange={(event) => type({ text: event.currentTarget.value })}
            />
          </Stack>
        </Grid.Col>
      </Grid>
      <Group mt="md">
        <Tooltip label={`You lack ${NEEDS}`} disabled={may}>
          <Button type="submit" disabled={!may} loading={save.isPending}>
            {of ? "Save it" : "Add it"}
          </Button>
        </Tooltip>
      </Group>
    </form>
  );
}

/** The secret that was made, once. */
function Secret({ of }: { of: ChannelMade }) {
  return (
    <Alert color="green" title={`${of.name} is added.`} role="status">
      <Stack gap="xs">
        <Text size="sm">
          It is signed with this secret. Give it to who receives it: it is not shown again.
        </Text>
        <Group gap={6}>
          <Code>{of.secret}</Code>
          <Copy text={of.secret as string} name="Copy" />
        </Group>
        <Going to="/alerts/channels" size="sm">
          All channels
        </Going>
      </Stack>
    </Alert>
  );
}
