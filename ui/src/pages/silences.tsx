import "@mantine/core/styles/Checkbox.css";
import {
  Badge,
  Button,
  Card,
  Checkbox,
  Grid,
  Group,
  NativeSelect,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
  Tooltip,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";
import { told } from "../api";
import {
  schedulesPreview,
  silencesCreate,
  silencesEnd,
  silencesList,
  silencesTry,
} from "../client/sdk.gen";
import type { IncidentKind as Kind, Severity, SilenceIn, SilenceOut } from "../client/types.gen";
import { Act, useAct } from "../parts/act";
import { AlertTabs } from "../parts/alert_tabs";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { matchedInWords, matcherOf, type SilenceTyped, silenceOf } from "../parts/matched";
import { Chosen, Narrowing, Turning } from "../parts/narrowing";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { useSought } from "../parts/sought";
import { StateBadge } from "../parts/state";
import { local, Moment, nameOf, useNow } from "../parts/time";
import { refusedAt } from "../parts/typed";
import { useMay } from "../session";

const READS = ["silences", "incidents"];
const KINDS: Kind[] = ["task", "schedule", "queue", "worker", "webhook", "channel", "system"];
const SEVERITIES: Severity[] = ["info", "warning", "error", "critical"];
const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((each) => each !== "UTC")];

/** By what nobody is told of some incidents for a time; a new one, where the address says so. */
export function Silences() {
  const [search] = useSought();
  return search.new ? <Made /> : <List />;
}

function List() {
  const [search, seek] = useSought();
  const list = useQuery({
    queryKey: ["silences", "list", search],
    queryFn: () =>
      told(
        silencesList({
          query: { with_over: search.over === "yes", after: search.after, limit: 50 },
        }),
      ),
    refetchInterval: 30_000,
  });
  return (
    <Page
      title="Silences"
      actions={
        <Opening
          name="New silence"
          needs="incidents:manage"
          isFirst
          onClick={() => seek({ new: "yes" })}
        />
      }
    >
      <AlertTabs />
      <Narrowing>
        <Chosen
          label="Which"
          name="over"
          none="those that hold or are to come"
          choices={[{ value: "yes", label: "those that are over too" }]}
        />
      </Narrowing>
      <Shown of={list}>
        {({ data, page }) => (
          <>
            {data.length ? (
              <Rows of={data} />
            ) : (
              <Nothing title="Nothing is silenced">
                <Going to="/alerts/silences" search={{ new: "yes" }}>
                  Make a silence
                </Going>{" "}
                or a maintenance window: what happens meanwhile is on record all the same.
              </Nothing>
            )}
            <Turning next={page.next} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Rows({ of }: { of: SilenceOut[] }) {
  const now = useNow();
  return (
    <Card withBorder padding={0}>
      <Listed
        label="Silences"
        rows={of}
        keyOf={(each) => each.id}
        width={820}
        columns={[
          {
            name: "State",
            of: (each) => {
              const [color, word] = standing(each, now);
              return (
                <Badge color={color} variant="light" radius="sm" tt="none">
                  {word}
                </Badge>
              );
            },
          },
          {
            name: "Of what",
            of: (each) => (
              <>
                <Text size="sm" fw={550}>
                  {matchedInWords(each.matcher)}
                </Text>
                <Text size="xs" c="dimmed">
                  {each.reason} · {each.by.replace(/^user:/, "")}, <Moment at={each.created_at} />
                </Text>
              </>
            ),
          },
          {
            name: "When",
            of: (each) => (
              <Text size="sm" component="div">
                from <Moment at={each.begins_at} /> until <Moment at={each.ends_at} />
                {each.windows && (
                  <div>
                    <span className="mono">{each.windows.cron}</span> ({each.windows.tz}), each for{" "}
                    {each.windows.for}
                  </div>
                )}
              </Text>
            ),
          },
          {
            name: "",
            isNumber: true,
            of: (each) =>
              Date.parse(each.ends_at) > now && (
                <Act
                  name="End now"
                  needs="incidents:manage"
                  size="compact-xs"
                  reads={READS}
                  asks="It is over now, and what is still open is told."
                  does={() => told(silencesEnd({ path: { silence: each.id } }))}
                />
              ),
          },
        ]}
      />
    </Card>
  );
}

function standing(of: SilenceOut, now: number): [color: string, word: string] {
  if (Date.parse(of.ends_at) <= now) return ["gray", "over"];
  if (Date.parse(of.begins_at) > now) return ["blue", "to come"];
  return of.windows ? ["indigo", "comes again"] : ["orange", "holds"];
}

function Made() {
  const [search] = useSought();
  const [typed, setTyped] = useState<SilenceTyped>({
    rules: search.rules ?? "",
    names: search.names ?? "",
    tasks: search.tasks ?? "",
    queues: search.queues ?? "",
    tags: search.tags ?? "",
    kinds: [],
    severities: [],
    everything: false,
    reason: search.reason?.slice(0, 500) ?? "",
    when: "now",
    lasts: "2h",
    begins: "",
    ends: "",
    cron: "",
    tz: nameOf("mine"),
  });
  const navigate = useNavigate();
  const may = useMay("incidents:manage");
  const type = (to: Partial<SilenceTyped>) => setTyped({ ...typed, ...to });
  const save = useAct({
    does: (body: SilenceIn) => told(silencesCreate({ body })),
    reads: READS,
    after: () => void navigate({ to: "/alerts/silences" }),
    isShown: true,
  });
  const wrong = refusedAt(save.error);
  const said = { ...wrong, lasts: wrong.for, begins: wrong.begins_at, ends: wrong.ends_at };

  function written(name: keyof SilenceTyped, label: string, more?: ReactNode): ReactNode {
    return (
      <TextInput
        key={name}
        label={label}
        description={more}
        value={typed[name] as string}
        error={(said as Record<string, string | undefined>)[name]}
        onChange={(event) => type({ [name]: event.currentTarget.value })}
      />
    );
  }

  return (
    <Page title="New silence" actions={<Going to="/alerts/silences">All silences</Going>}>
      <AlertTabs />
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          save.mutate(silenceOf(typed));
        }}
      >
        {save.error && !Object.keys(wrong).some((each) => each in typed || each in KNOWN) && (
          <Wrong error={save.error} />
        )}
        <Grid>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Stack gap="sm">
              <Title order={2} size="h5">
                Of which incidents
              </Title>
              <Checkbox
                label="Of all, whatever it is"
                checked={typed.everything}
                error={wrong.everything}
                onChange={(event) => type({ everything: event.currentTarget.checked })}
              />
              {!typed.everything && (
                <>
                  <Text size="xs" c="dimmed">
                    Patterns with a comma between, as mail.*; all fields that are filled must fit.
                  </Text>
                  <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
                    {written("rules", "Rules")}
                    {written("names", "Names of what they are of")}
                    {written("tasks", "Tasks")}
                    {written("queues", "Queues")}
                    {written("tags", "Tags")}
                  </SimpleGrid>
                  <Checkbox.Group
                    label="Of what"
                    value={typed.kinds}
                    error={wrong.kinds}
                    onChange={(kinds) => type({ kinds: kinds as Kind[] })}
                  >
                    <Group gap="sm" mt={4}>
                      {KINDS.map((each) => (
                        <Checkbox key={each} size="xs" value={each} label={each} />
                      ))}
                    </Group>
                  </Checkbox.Group>
                  <Checkbox.Group
                    label="Severity"
                    value={typed.severities}
                    error={wrong.severities}
                    onChange={(severities) => type({ severities: severities as Severity[] })}
                  >
                    <Group gap="sm" mt={4}>
                      {SEVERITIES.map((each) => (
                        <Checkbox key={each} size="xs" value={each} label={each} />
                      ))}
                    </Group>
                  </Checkbox.Group>
                </>
              )}
              <Title order={2} size="h5" mt="sm">
                When, and why
              </Title>
              <SegmentedControl
                aria-label="When"
                size="xs"
                value={typed.when}
                onChange={(when) => type({ when: when as SilenceTyped["when"] })}
                data={[
                  { value: "now", label: "From now" },
                  { value: "later", label: "Later" },
                  { value: "again", label: "Again and again" },
                ]}
              />
              {typed.when === "again" && (
                <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
                  {written("cron", "Each time begins at", "cron, as 0 2 * * sun")}
                  <NativeSelect
                    label="Zone"
                    description="whose wall clock it follows"
                    data={ZONES}
                    value={typed.tz}
                    error={wrong.tz}
                    onChange={(event) => type({ tz: event.currentTarget.value })}
                  />
                </SimpleGrid>
              )}
              <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
                {written("lasts", typed.when === "again" ? "Each for" : "For how long", "as 2h")}
                {typed.when !== "now" &&
                  written("begins", "Begins", "with its offset, as 2027-01-04T22:00+01:00")}
                {typed.when === "again" && written("ends", "Comes no more after", "likewise")}
              </SimpleGrid>
              {written("reason", "Reason")}
              <Group>
                <Tooltip label="You lack incidents:manage" disabled={may}>
                  <Button type="submit" disabled={!may} loading={save.isPending}>
                    Silence it
                  </Button>
                </Tooltip>
              </Group>
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Stack gap="sm">
              <Meant of={typed} />
              {typed.when === "again" && typed.cron.trim() && (
                <Windows cron={typed.cron} tz={typed.tz} />
              )}
            </Stack>
          </Grid.Col>
        </Grid>
      </form>
    </Page>
  );
}

const KNOWN = { for: true, begins_at: true, ends_at: true };

/** What of that which is not resolved it would cover. */
function Meant({ of }: { of: SilenceTyped }) {
  const matcher = of.everything ? {} : matcherOf(of);
  const [settled] = useDebouncedValue(JSON.stringify(matcher), 250);
  const isBlank = !of.everything && settled === "{}";
  const found = useQuery({
    queryKey: ["incidents", "meant", settled],
    queryFn: () => told(silencesTry({ body: JSON.parse(settled) })),
    enabled: !isBlank,
    retry: false,
  });
  return (
    <Card withBorder padding="sm" aria-live="polite">
      <Title order={2} size="h5" mb="xs">
        What it covers now
      </Title>
      {isBlank ? (
        <Text size="sm" c="dimmed">
          Say of which incidents, and those that it covers stand here.
        </Text>
      ) : found.error ? (
        <Text size="sm" c="red">
          {found.error.message}
        </Text>
      ) : (
        <Shown of={found}>
          {({ data }) =>
            data.length ? (
              <Stack gap={6}>
                {data.map((each) => (
                  <Group key={each.id} gap="xs" wrap="nowrap" align="flex-start">
                    <StateBadge of={each.severity} />
                    <Going
                      to="/alerts/incidents/$incident"
                      params={{ incident: each.id }}
                      size="sm"
                    >
                      {each.facts.what}
                    </Going>
                  </Group>
                ))}
              </Stack>
            ) : (
              <Text size="sm">No incident that is open now; only what is yet to come.</Text>
            )
          }
        </Shown>
      )}
    </Card>
  );
}

/** When the next windows begin, as the server reads it. */
function Windows({ cron, tz }: { cron: string; tz: string }) {
  const [settled] = useDebouncedValue({ cron, tz }, 250);
  const preview = useQuery({
    queryKey: ["preview", settled],
    queryFn: () => told(schedulesPreview({ body: { ...settled, count: 5 } })),
    retry: false,
  });
  return (
    <Card withBorder padding="sm" aria-live="polite">
      <Title order={2} size="h5" mb="xs">
        Its next windows begin
      </Title>
      {preview.error ? (
        <Text size="sm" c="red">
          {preview.error.message}
        </Text>
      ) : (
        preview.data && (
          <Stack gap={2}>
            <Text size="sm" fw={600}>
              {preview.data.description}
            </Text>
            {preview.data.runs.map((each) => (
              <Text key={each.utc} size="sm" className="mono">
                {local(each.local)}
              </Text>
            ))}
          </Stack>
        )
      )}
    </Card>
  );
}
