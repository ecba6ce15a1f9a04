import {
  Alert,
  Badge,
  Button,
  Card,
  Grid,
  Group,
  NativeSelect,
  ScrollArea,
  SimpleGrid,
  Stack,
  Switch,
  Table,
  Text,
  TextInput,
  Title,
  Tooltip,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { TriangleAlert } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import { told } from "../api";
import {
  rulesChange,
  rulesCreate,
  rulesGet,
  rulesList,
  rulesRemove,
  rulesTry,
} from "../client/sdk.gen";
import type {
  IncidentRuleIn,
  IncidentRuleOut,
  IncidentKind as Kind,
  PastOut,
} from "../client/types.gen";
import { Act, useAct } from "../parts/act";
import { AlertTabs } from "../parts/alert_tabs";
import { Cards } from "../parts/cards";
import {
  blank,
  CONDITIONS,
  type Condition,
  changeOf,
  type LIMITS,
  limitsInWords,
  type RuleTyped,
  ruleOf,
  selectedInWords,
  selectors,
  typedOf,
} from "../parts/conditions";
import { Going } from "../parts/going";
import { Narrowing, Written } from "../parts/narrowing";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { useSought } from "../parts/sought";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";
import { marked, refusedAt } from "../parts/typed";
import { useMay } from "../session";

const READS = ["rules"];

/** What opens incidents; one of them in a form, where the address says so. */
export function Rules() {
  const [search] = useSought();
  if (search.edit) return <Edited key={search.edit} name={search.edit} />;
  if (search.new) return <Made />;
  return <List />;
}

function List() {
  const [search, seek] = useSought();
  const list = useQuery({
    queryKey: ["rules", "list"],
    queryFn: () => told(rulesList({ query: { limit: 500 } })),
  });
  const fits = (each: IncidentRuleOut) =>
    !search.q ||
    [each.name, each.condition, each.kind, each.severity, selectedInWords(each)].some((text) =>
      text.toLowerCase().includes((search.q as string).toLowerCase()),
    );
  return (
    <Page
      title="Rules"
      actions={
        <Opening
          name="New rule"
          needs="incidents:manage"
          isFirst
          onClick={() => seek({ new: "yes" })}
        />
      }
    >
      <AlertTabs />
      <Narrowing>
        <Written label="Find" name="q" like="late" />
      </Narrowing>
      <Shown of={list}>
        {({ data }) =>
          data.some(fits) ? (
            <Rows of={data.filter(fits)} />
          ) : (
            <Nothing title="No rule fits">
              <Going to="/alerts/rules">Show all</Going>
            </Nothing>
          )
        }
      </Shown>
    </Page>
  );
}

function Rows({ of }: { of: IncidentRuleOut[] }) {
  return (
    <Card withBorder padding={0}>
      <Cards verticalSpacing={5} width={880} aria-label="Rules">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={60}>On</Table.Th>
            <Table.Th w={240}>Rule</Table.Th>
            <Table.Th>Opens when</Table.Th>
            <Table.Th w={130} miw={110}>
              Severity
            </Table.Th>
            <Table.Th w={120} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((each) => (
            <Row key={each.name} of={each} />
          ))}
        </Table.Tbody>
      </Cards>
    </Card>
  );
}

function Row({ of }: { of: IncidentRuleOut }) {
  const may = useMay("incidents:manage");
  const path = { name: of.name };
  const turn = useAct({
    does: (enabled: boolean) => told(rulesChange({ path, body: { enabled } })),
    reads: READS,
  });
  return (
    <Table.Tr opacity={of.enabled ? 1 : 0.75}>
      <Table.Td>
        <Tooltip label="You lack incidents:manage" disabled={may}>
          <Switch
            size="xs"
            aria-label={`${of.name} is on`}
            checked={of.enabled}
            disabled={!may || turn.isPending}
            onChange={(event) => turn.mutate(event.currentTarget.checked)}
          />
        </Tooltip>
      </Table.Td>
      <Table.Td>
        <Going to="/alerts/rules" search={{ edit: of.name }} size="sm" fw={550}>
          {of.name}
        </Going>
        <Text size="xs" c="dimmed">
          {of.is_default ? (of.version ? "changed" : "as it came") : "your own"}
          {of.changed_by ? `, by ${of.changed_by.replace(/^user:/, "")}` : ""}{" "}
          {of.changed_at && <Moment at={of.changed_at} />}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{CONDITIONS[of.condition].says}</Text>
        <Text size="xs" c="dimmed">
          {[limitsInWords(of), selectedInWords(of)].filter(Boolean).join(" · ")}
        </Text>
        <Doubts of={of.doubts} />
      </Table.Td>
      <Table.Td>
        <StateBadge of={of.severity} />
      </Table.Td>
      <Table.Td className="number">
        {(!of.is_default || of.version > 0) && (
          <Act
            name={of.is_default ? "As it came" : "Remove"}
            needs="incidents:manage"
            size="compact-xs"
            reads={READS}
            asks={
              of.is_default
                ? `${of.name} is as Onbeat has it again; its open incidents are closed.`
                : `${of.name} is gone, and its open incidents are closed.`
            }
            does={() => told(rulesRemove({ path }))}
          />
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function Doubts({ of }: { of: string[] }) {
  return of.map((each) => (
    <Group key={each} gap={4} wrap="nowrap" c="yellow">
      <TriangleAlert size={13} aria-label="Doubt" />
      <Text size="xs">{each}</Text>
    </Group>
  ));
}

/** A rule that there is, in its form. */
function Edited({ name }: { name: string }) {
  const found = useQuery({
    queryKey: ["rules", name],
    queryFn: () => marked(rulesGet({ path: { name } })),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  return (
    <Page title={`Rule ${name}`} actions={<Back />}>
      <AlertTabs />
      <Shown of={found}>{({ data, mark }) => <Form of={data} mark={mark} />}</Shown>
    </Page>
  );
}

/** A new one. */
function Made() {
  return (
    <Page title="New rule" actions={<Back />}>
      <AlertTabs />
      <Form />
    </Page>
  );
}

function Back() {
  return <Going to="/alerts/rules">All rules</Going>;
}

const LIMIT_LABELS: Record<(typeof LIMITS)[number], [label: string, more: string]> = {
  times: ["How many times", ""],
  share: ["Which share", "0 to 1, as 0.2"],
  least: ["Of at least so many", "of fewer nothing is said"],
  window: ["Within", "as 1h"],
  longer_than: ["Longer than", "as 30m"],
};
const SELECTOR_LABELS = {
  tasks: "Tasks",
  queues: "Queues",
  schedules: "Schedules",
  tags: "Tags of schedules",
} as const;

function Form({ of, mark }: { of?: IncidentRuleOut; mark?: string }) {
  const [typed, setTyped] = useState<RuleTyped>(of ? typedOf(of) : blank("failure-rate"));
  const navigate = useNavigate();
  const may = useMay("incidents:manage");
  const type = (to: Partial<RuleTyped>) => setTyped({ ...typed, ...to });
  const save = useAct({
    does: (body: IncidentRuleIn) =>
      of
        ? told(
            rulesChange({
              path: { name: of.name },
              body: changeOf(typed),
              headers: { "If-Match": mark },
            }),
          )
        : told(rulesCreate({ body })),
    done: (made) => `${made.name} holds from the next round on.`,
    reads: READS,
    after: () => void navigate({ to: "/alerts/rules" }),
    isShown: true,
  });
  const attempt = useAct({
    does: ({ rule, since }: { rule: IncidentRuleIn; since: string }) =>
      told(rulesTry({ body: rule, query: { since } })),
    reads: [],
    isShown: true,
  });
  const wrong = { ...refusedAt(attempt.error), ...refusedAt(save.error) };
  const failed = save.error ?? attempt.error;
  const condition = CONDITIONS[typed.condition];

  function submit(event: FormEvent): void {
    event.preventDefault();
    attempt.reset();
    save.mutate(ruleOf(typed));
  }

  function written(name: keyof RuleTyped, label: string, more?: ReactNode): ReactNode {
    return (
      <TextInput
        key={name}
        label={label}
        description={more}
        value={typed[name]}
        error={wrong[name]}
        onChange={(event) => type({ [name]: event.currentTarget.value })}
      />
    );
  }

  return (
    <form onSubmit={submit}>
      {failed && !Object.keys(wrong).length && <Wrong error={failed} />}
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack gap="sm">
            {!of && written("name", "Name")}
            <NativeSelect
              label="Opens when"
              description={condition.says}
              disabled={Boolean(of)}
              data={Object.keys(CONDITIONS)}
              value={typed.condition}
              error={wrong.condition}
              onChange={(event) =>
                setTyped({
                  ...blank(event.currentTarget.value as Condition),
                  name: typed.name,
                  severity: typed.severity,
                })
              }
            />
            <SimpleGrid cols={2} spacing="sm">
              <NativeSelect
                label="Of what"
                disabled={Boolean(of)}
                data={condition.kinds}
                value={typed.kind}
                error={wrong.kind}
                onChange={(event) => type({ kind: event.currentTarget.value as Kind })}
              />
              <NativeSelect
                label="Severity"
                data={[
                  ...(of ? [] : [{ value: "", label: "as is usual" }]),
                  "info",
                  "warning",
                  "error",
                  "critical",
                ]}
                value={typed.severity}
                error={wrong.severity}
                onChange={(event) => type({ severity: event.currentTarget.value })}
              />
              {condition.limits.map((each) => written(each, ...LIMIT_LABELS[each]))}
              {written("for", "Must hold for", "as 2m; 0s: at once")}
              {written("open_after", "Opens after looks in a row", "one each 15 s")}
              {written("close_after", "Closes after looks", "in which it did not hold")}
            </SimpleGrid>
            {selectors(typed.kind).map((each) =>
              written(
                each,
                SELECTOR_LABELS[each],
                each === "tasks" || typed.kind === "queue"
                  ? "patterns with a comma between, as mail.*; empty: all"
                  : "",
              ),
            )}
            <Group>
              <Tooltip label="You lack incidents:manage" disabled={may}>
                <Button type="submit" disabled={!may} loading={save.isPending}>
                  {of ? "Save it" : "Make it"}
                </Button>
              </Tooltip>
              {of && !of.enabled && (
                <Badge variant="light" color="gray" tt="none">
                  it is off
                </Badge>
              )}
            </Group>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Past
            of={attempt.data}
            may={may}
            isPending={attempt.isPending}
            attempt={(since) => {
              save.reset();
              // What it is called has no part in it, and need not be said yet.
              attempt.mutate({ rule: { ...ruleOf(typed), name: of?.name ?? "new" }, since });
            }}
          />
          {of && <Doubts of={of.doubts} />}
        </Grid.Col>
      </Grid>
    </form>
  );
}

const SPANS = ["24h", "3d", "7d", "30d"];

interface PastOf {
  of: PastOut | undefined;
  may: boolean;
  isPending: boolean;
  attempt: (since: string) => void;
}

/** When such a rule would have been open. */
function Past({ of, may, isPending, attempt }: PastOf) {
  const [since, setSince] = useState("7d");
  return (
    <Card withBorder padding="sm" aria-live="polite">
      <Title order={2} size="h5" mb="xs">
        On the past
      </Title>
      <Group gap="xs" align="flex-end">
        <NativeSelect
          size="xs"
          label="How far back"
          data={SPANS}
          value={since}
          onChange={(event) => setSince(event.currentTarget.value)}
        />
        <Tooltip label="You lack incidents:manage" disabled={may}>
          <Button
            size="xs"
            variant="default"
            disabled={!may}
            loading={isPending}
            onClick={() => attempt(since)}
          >
            Try it
          </Button>
        </Tooltip>
      </Group>
      {of ? (
        <Stack gap="xs" mt="sm">
          {of.doubts.map((each) => (
            <Alert key={each} color="yellow" p="xs">
              {each}
            </Alert>
          ))}
          <Text fw={600} size="sm">
            {of.not_kept ?? outcome(of)}
          </Text>
          {of.episodes.length > 0 && (
            <ScrollArea.Autosize mah={420}>
              <Table verticalSpacing={3} aria-label="When it would have been open">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Of</Table.Th>
                    <Table.Th>From</Table.Th>
                    <Table.Th>Until</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {of.episodes.map((each) => (
                    <Table.Tr key={`${each.subject} ${each.opened_at}`}>
                      <Table.Td>{each.name}</Table.Td>
                      <Table.Td>
                        <Moment at={each.opened_at} />
                      </Table.Td>
                      <Table.Td>
                        {each.closed_at ? <Moment at={each.closed_at} /> : "still"}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollArea.Autosize>
          )}
          <Text size="xs" c="dimmed">
            Looked at from <Moment at={of.since} /> to <Moment at={of.until} />; nothing was made.
          </Text>
        </Stack>
      ) : (
        <Text size="sm" c="dimmed" mt="sm">
          Before it is saved: how often it would have opened, and when.
        </Text>
      )}
    </Card>
  );
}

function outcome({ episodes, is_whole }: PastOut): string {
  const times = episodes.length;
  if (!times) return is_whole ? "It would not have opened." : "It would hardly have opened.";
  const more = is_whole ? "" : " or more";
  return `It would have opened ${times === 1 ? "once" : `${times} times`}${more}.`;
}
