import "./job_attempts.css";
import { Alert, Button, ScrollArea, Table, Text, Timeline } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { told } from "../api";
import { auditList } from "../client/sdk.gen";
import type { AttemptOut, JobOut } from "../client/types.gen";
import { at, type Exact, seen } from "../parts/exact";
import { Json } from "../parts/json";
import { type Lane, lanesOf, movesOf } from "../parts/lanes";
import { Nothing, Wrong } from "../parts/shown";
import { lasting, Moment, useNow } from "../parts/time";
import { useMay } from "../session";

export interface AttemptsOf {
  job: JobOut;
  attempts: AttemptOut[];
  /** The same as they were written. */
  exact: Exact;
}

/** What each attempt took and came to. */
export function Attempts({ job, attempts, exact }: AttemptsOf) {
  const now = useNow();
  const lanes = lanesOf(job, attempts, now);
  if (!attempts.length && !lanes.some((lane) => lane.began !== null)) {
    return <Nothing title="It was never begun" />;
  }
  return (
    <>
      <Waterfall lanes={lanes} />
      <Timeline bulletSize={14} lineWidth={2} active={attempts.length} mt="md">
        {attempts.map((each, number) => (
          <Attempt
            key={each.attempt + each.started_at}
            of={each}
            result={at(exact, "data", number, "result")}
          />
        ))}
      </Timeline>
    </>
  );
}

/** Waits and runs beside each other; the bar is drawn from the numbers that stand beside it. */
function Waterfall({ lanes }: { lanes: Lane[] }) {
  const from = Math.min(...lanes.map((lane) => lane.since));
  const whole = Math.max(...lanes.map((lane) => lane.ended)) - from || 1;
  const share = (begin: number, end: number) => ({
    left: `${(100 * (begin - from)) / whole}%`,
    width: `max(2px, ${(100 * (end - begin)) / whole}%)`,
  });
  return (
    <ScrollArea viewportProps={{ tabIndex: 0 }}>
      <Table verticalSpacing={3} miw={520} aria-label="Waits and runs of attempts">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Attempt</Table.Th>
            <Table.Th w="50%">From the first wait on</Table.Th>
            <Table.Th className="number">Waited</Table.Th>
            <Table.Th className="number">Ran</Table.Th>
            <Table.Th>Outcome</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lanes.map((lane) => (
            <Table.Tr key={`${lane.attempt} ${lane.since}`}>
              <Table.Td>{lane.attempt}</Table.Td>
              <Table.Td>
                <div className="lane" aria-hidden>
                  <span
                    className={lane.isBackoff ? "lane-backoff" : "lane-wait"}
                    style={share(lane.since, lane.began ?? lane.ended)}
                  />
                  {lane.began !== null && (
                    <span
                      className={`lane-run lane-${lane.outcome}`}
                      style={share(lane.began, lane.ended)}
                    />
                  )}
                </div>
              </Table.Td>
              <Table.Td className="number">
                {lasting(((lane.began ?? lane.ended) - lane.since) / 1000)}
                {lane.isBackoff && " after the last"}
              </Table.Td>
              <Table.Td className="number">
                {lane.began === null ? "–" : lasting((lane.ended - lane.began) / 1000)}
              </Table.Td>
              <Table.Td>{lane.outcome}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}

function Attempt({ of, result }: { of: AttemptOut; result: Exact | undefined }) {
  return (
    <Timeline.Item title={`Attempt ${of.attempt}: ${of.outcome}`}>
      <Text size="xs" c="dimmed">
        <Moment at={of.started_at} />, took {lasting(of.duration_s)}
        {of.session && ` by worker ${of.session}`}
        {!of.counts && "; it does not count"}
      </Text>
      {of.reason && !isSaid(of) && <Text size="sm">{seen(of.reason)}</Text>}
      {of.error && <Failed error={of.error} />}
      {result != null && <Json value={result} label={`result of attempt ${of.attempt}`} />}
    </Timeline.Item>
  );
}

/** Whether the error says what the reason does. */
function isSaid({ reason, error }: AttemptOut): boolean {
  return error !== null && reason === `${error.type}: ${error.message}`;
}

/** So much of an error is shown by itself. */
const LONG = 2_000;

function Failed({ error }: { error: NonNullable<AttemptOut["error"]> }) {
  return (
    <>
      <Text size="sm" c="var(--mantine-color-red-text)" fw={550} className="lines">
        <Cut text={`${error.type}: ${error.message}`} />
      </Text>
      {error.class && (
        <Text size="xs" c="dimmed">
          {error.class}
        </Text>
      )}
      {error.traceback && (
        <pre className="text mono">
          <Cut text={error.traceback} />
        </pre>
      )}
    </>
  );
}

/** A text that may be long and hostile: its lines stay, what is not seen is told by its number. */
function Cut({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const isCut = text.length > LONG && !isWhole;
  const told = (isCut ? text.slice(0, LONG) : text).replace(/[^\t\n]+/g, seen);
  return (
    <>
      {told}
      {isCut && (
        <Button variant="subtle" size="compact-xs" onClick={() => setWhole(true)}>
          … all {text.length.toLocaleString("en")} characters
        </Button>
      )}
    </>
  );
}

/** All that happened to it: by itself, and by hand, for those who may read the record. */
export function History({ job, attempts }: { job: JobOut; attempts: AttemptOut[] }) {
  const may = useMay("audit:read");
  const audit = useQuery({
    queryKey: ["jobs", job.id, "audit"],
    queryFn: () => told(auditList({ query: { subject_kind: "job", subject: job.id, limit: 200 } })),
    enabled: may,
  });
  return (
    <>
      {audit.error && <Wrong error={audit.error} />}
      {!may && (
        <Alert p="xs" mb="xs">
          Who did something by hand is shown to those who have audit:read.
        </Alert>
      )}
      <Timeline bulletSize={12} lineWidth={2} active={1000}>
        {movesOf(job, attempts, audit.data?.data ?? []).map((move) => (
          <Timeline.Item key={move.at + move.what} title={seen(move.what)} color={move.color}>
            <Text size="xs" c="dimmed">
              <Moment at={move.at} />
              {move.by && `, by ${seen(move.by)}`}
            </Text>
            {move.why && (
              <Text size="sm" className="lines">
                <Cut text={move.why} />
              </Text>
            )}
          </Timeline.Item>
        ))}
      </Timeline>
    </>
  );
}
