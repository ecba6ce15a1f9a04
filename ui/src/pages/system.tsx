import { Alert, Badge, Button, Code, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { told } from "../api";
import { base } from "../base";
import {
  databaseEnvironments,
  databaseSchema,
  doctorExamine,
  doctorRepair,
  health,
  servicesList,
} from "../client/sdk.gen";
import type {
  CheckOut,
  Dependency,
  Disk,
  EnvironmentOut,
  Health,
  KeysFile,
  LiveUpdates,
  SchemaOut,
} from "../client/types.gen";
import { Act } from "../parts/act";
import { Facts } from "../parts/facts";
import { Listed } from "../parts/listed";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { Tabbed } from "../parts/tabbed";
import { Ticked } from "../parts/ticked";
import { lasting } from "../parts/time";
import { read, type Verified } from "../parts/verified";
import { useMay } from "../session";

const OFTEN = 10_000;

/** What runs here, what it needs, and how that is. */
export function System() {
  const mayRead = useMay("database:read");
  const lacks = () => <Nothing title="Not for you">You lack database:read; ask an admin.</Nothing>;
  return (
    <Page title="System">
      <Tabbed
        label="What runs here"
        tabs={[
          { value: "health", name: "Health", shows: () => <Standing /> },
          { value: "doctor", name: "Doctor", shows: () => (mayRead ? <Doctor /> : lacks()) },
          { value: "database", name: "Database", shows: () => (mayRead ? <Database /> : lacks()) },
          { value: "settings", name: "Settings", shows: () => (mayRead ? <Settings /> : lacks()) },
        ]}
      />
    </Page>
  );
}

const DOWN: Health = {
  status: "error",
  dependencies: { database: { status: "down", latency_ms: null } },
};
const WORDS = { ok: "up", degraded: "degraded", error: "down" } as const;
const COLORS = { up: "green", degraded: "yellow", down: "red" } as const;

function State({ of }: { of: keyof typeof COLORS }) {
  return (
    <Badge color={COLORS[of]} variant="light" radius="sm" tt="none">
      {of}
    </Badge>
  );
}

function Standing() {
  const found = useQuery({
    queryKey: ["system", "health"],
    queryFn: async () => {
      const { data, error } = await health({ throwOnError: false });
      // What is down is told with a 503: it is the answer, and no failure to get one.
      return data ?? (error && "dependencies" in error ? (error as Health) : DOWN);
    },
    refetchInterval: OFTEN,
  });
  return (
    <Stack gap="md">
      <Processes />
      <section aria-label="What it needs">
        <Group gap="sm" mb={4}>
          <Title order={2} size="h5">
            What it needs
          </Title>
          {found.data && <State of={WORDS[found.data.status]} />}
        </Group>
        <Shown of={found}>{(of) => <Needs of={of} />}</Shown>
      </section>
    </Stack>
  );
}

/** Which version runs where: two at once are those of an upgrade under way. */
function Processes() {
  const services = useQuery({
    queryKey: ["workers", "services"],
    queryFn: () => told(servicesList()),
    refetchInterval: OFTEN,
  });
  const processes = new Map(services.data?.data.map((each) => [each.process.id, each.process]));
  const versions = [...new Set([...processes.values()].map((each) => each.version))].sort();
  return (
    <Facts
      of={[
        ["Version", services.data ? versions.filter(Boolean).join(" and ") || "not said" : "…"],
        ["Processes that are heard of", processes.size],
        ["Hosts", new Set([...processes.values()].map((each) => each.host)).size],
      ]}
    />
  );
}

const ABOUT: Record<string, string> = {
  database: "where all is kept; without it nothing goes on",
  hints: "word of other processes; without it this one polls",
  live: "the reader of live updates",
  redis: "answers that processes share; without it each makes its own",
  jwks: "the file of another issuer's keys",
  disk: "the disk of the database's file",
};

type Needed = Dependency | LiveUpdates | KeysFile | Disk;

function measured(of: Needed): string {
  if ("free_bytes" in of && of.free_bytes != null)
    return `${(of.free_bytes / 2 ** 30).toFixed(1)} GiB free`;
  if ("behind_s" in of && of.behind_s != null) return `${lasting(of.behind_s)} behind`;
  if ("age_s" in of && of.age_s != null) return `written ${lasting(of.age_s)} ago`;
  return "–";
}

function Needs({ of }: { of: Health }) {
  return (
    <Listed
      label="What it needs"
      width={560}
      rows={Object.entries(of.dependencies)}
      keyOf={([name]) => name}
      columns={[
        {
          name: "What",
          of: ([name]) => (
            <>
              <Text size="sm">{name}</Text>
              <Text size="xs" c="dimmed">
                {name.startsWith("source:") ? "what comes from outside" : ABOUT[name]}
              </Text>
            </>
          ),
        },
        { name: "State", of: ([, each]) => <State of={each.status} /> },
        {
          name: "Answered in",
          isNumber: true,
          of: ([, each]) => (each.latency_ms === null ? "–" : `${each.latency_ms} ms`),
        },
        { name: "Measured", isNumber: true, of: ([, each]) => measured(each) },
      ]}
    />
  );
}

const VERDICTS: Record<CheckOut["verdict"], string> = { ok: "green", note: "yellow", wrong: "red" };
const FIRST: Record<CheckOut["verdict"], number> = { wrong: 0, note: 1, ok: 2 };

/** All that the doctor finds, in one line. */
function verdict(checks: CheckOut[]): string {
  const number = (of: CheckOut["verdict"]) => checks.filter((each) => each.verdict === of).length;
  const [wrong, notes] = [number("wrong"), number("note")];
  const noted = notes ? `; ${notes} ${notes === 1 ? "note" : "notes"}` : "";
  return `${wrong ? `${wrong} wrong` : "Nothing is wrong"}${noted}.`;
}

function useDoctor() {
  return useQuery({ queryKey: ["system", "doctor"], queryFn: () => told(doctorExamine()) });
}

function Doctor() {
  const found = useDoctor();
  const fixable = found.data?.checks.some((each) => each.can_fix);
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Text size="sm" fw={550}>
          {found.data && verdict(found.data.checks)}
        </Text>
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            loading={found.isFetching}
            onClick={() => void found.refetch()}
          >
            Look again
          </Button>
          <Act
            name="Repair"
            needs="database:manage"
            off={!fixable && "There is nothing that can be repaired from here."}
            asks="Indexes and statistics are put right, as the statements beside the findings say. On a large table that may take minutes."
            done="Repaired."
            reads={["system"]}
            does={() => told(doctorRepair())}
          />
        </Group>
      </Group>
      <Shown of={found}>
        {({ checks }) => (
          <Listed
            label="What the doctor finds"
            width={620}
            rows={checks.toSorted((one, other) => FIRST[one.verdict] - FIRST[other.verdict])}
            keyOf={(each) => each.name + each.message}
            columns={[
              {
                name: "Verdict",
                of: (each) => (
                  <Badge color={VERDICTS[each.verdict]} variant="light" radius="sm" tt="none">
                    {each.verdict}
                  </Badge>
                ),
              },
              { name: "What", of: (each) => each.name },
              { name: "Found, and what to do", of: (each) => <Finding of={each} /> },
            ]}
          />
        )}
      </Shown>
    </Stack>
  );
}

function Finding({ of }: { of: CheckOut }) {
  return (
    <>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        <Ticked text={of.message} />
      </Text>
      {of.remedies.map((each) => (
        <Code key={each} block mt={4} className="lines">
          {each}
        </Code>
      ))}
    </>
  );
}

function Database() {
  const schema = useQuery({
    queryKey: ["system", "schema"],
    queryFn: () => told(databaseSchema()),
  });
  const environments = useQuery({
    queryKey: ["system", "environments"],
    queryFn: () => told(databaseEnvironments()),
  });
  return (
    <Stack gap="md">
      <Shown of={schema}>{(of) => <Schema of={of} />}</Shown>
      <Verify />
      <section aria-label="Environments">
        <Title order={2} size="h5">
          Environments in it
        </Title>
        <Shown of={environments}>{({ data }) => <Environments of={data} />}</Shown>
      </section>
    </Stack>
  );
}

function Schema({ of }: { of: SchemaOut }) {
  return (
    <>
      {!of.is_current && (
        <Alert color="red" mb="sm" title={`The tables are of schema ${of.current ?? "none"}`}>
          This version needs {of.needed}:{" "}
          {of.is_newer ? "upgrade Onbeat here." : <Code>onbeat db migrate</Code>}
        </Alert>
      )}
      <Facts
        of={[
          ["Engine", of.database.startsWith("sqlite") ? "SQLite" : "PostgreSQL"],
          ["Address", of.database],
          ["Schema", `${of.current ?? "none"}${of.is_current ? ", as needed" : ""}`],
          ["Environment", of.environment ?? "none"],
        ]}
      />
    </>
  );
}

function Environments({ of }: { of: EnvironmentOut[] }) {
  return (
    <Listed
      label="Environments"
      width={360}
      rows={of}
      keyOf={(each) => each.environment ?? ""}
      columns={[
        { name: "Environment", of: (each) => each.environment ?? "without a name" },
        { name: "Schema", of: (each) => each.schema ?? "may not be read" },
        { name: "As needed", of: (each) => (each.is_current ? "yes" : "no") },
      ]}
    />
  );
}

/** Reads all of the store, and says whether it keeps its own laws. */
function Verify() {
  const [found, setFound] = useState<Verified | null>(null);
  const [error, setError] = useState<string | null>(null);
  const under = useRef<AbortController | null>(null);
  const [isUnder, setUnder] = useState(false);
  useEffect(() => () => under.current?.abort(), []);

  async function verify(): Promise<void> {
    const leaving = new AbortController();
    under.current = leaving;
    setUnder(true);
    setError(null);
    setFound(null);
    try {
      await read(new URL("api/v1/database/verify", base), leaving.signal, setFound);
    } catch (wrong) {
      if (!leaving.signal.aborted) setError((wrong as Error).message);
    } finally {
      setUnder(false);
    }
  }

  return (
    <section aria-label="Whether the store keeps its laws">
      <Group gap="sm" mb={4}>
        <Title order={2} size="h5">
          Whether the store keeps its own laws
        </Title>
        <Button size="xs" variant="default" loading={isUnder} onClick={() => void verify()}>
          Verify it
        </Button>
        {isUnder && (
          <Button size="xs" variant="default" onClick={() => under.current?.abort()}>
            Stop
          </Button>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        All of it is read in small chunks, and nothing is changed.
      </Text>
      <div role="status">
        {error && (
          <Text size="sm" c="red">
            {error}
          </Text>
        )}
        {found && <Told of={found} />}
      </div>
    </section>
  );
}

function Told({ of }: { of: Verified }) {
  if (!of.report)
    return <Text size="sm">{(of.jobs ?? 0).toLocaleString("en")} jobs are read so far.</Text>;
  return (
    <>
      <Text size="sm" fw={550} c={of.report.sound ? undefined : "red"}>
        {of.report.sound ? "It is sound." : "It is not sound:"}
      </Text>
      {of.report.breaches.map((each) => (
        <Text key={each} size="sm">
          {each}
        </Text>
      ))}
    </>
  );
}

function Settings() {
  return (
    <Shown of={useDoctor()}>
      {({ settings }) => (
        <>
          <Text size="sm" c="dimmed" mb="xs">
            Of the process that answers you; what is secret is not told.
          </Text>
          <Listed
            label="Settings"
            width={760}
            rows={settings}
            keyOf={(each) => each.variable}
            columns={[
              {
                name: "Setting",
                of: (each) => <span className="mono">{each.variable}</span>,
              },
              {
                name: "Value",
                of: (each) => (
                  <Text
                    size="sm"
                    fw={each.source === "default" ? 400 : 650}
                    style={{ overflowWrap: "anywhere" }}
                  >
                    {each.value === "-" ? "none" : each.value}
                  </Text>
                ),
              },
              { name: "From", of: (each) => <Text size="xs">{each.source}</Text> },
              {
                name: "What it is",
                of: (each) => (
                  <Text size="xs" c="dimmed">
                    <Ticked text={each.about} />
                  </Text>
                ),
              },
            ]}
          />
        </>
      )}
    </Shown>
  );
}
