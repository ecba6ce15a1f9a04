import "./jobs.css";
import { Table } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Filter } from "lucide-react";
import {
  type MouseEvent,
  memo,
  type ReactNode,
  useCallback,
  useDeferredValue,
  useMemo,
  useRef,
} from "react";
import { basePath } from "../base";
import { Cards } from "../parts/cards";
import { ChoosePage, ChooseRow, type Choosing, isChosen } from "../parts/choosing_boxes";
import { seen } from "../parts/exact";
import type { JobRow } from "../parts/job_page";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";

/** Narrows the list to one value of a word. */
export type Only = (word: "state" | "task" | "queue" | "schedule" | "tag", value: string) => void;

const SCREEN = 30;
const NONE: ReadonlySet<string> = new Set();

interface TableOf {
  rows: JobRow[];
  choosing: Choosing;
  only: Only;
  /** Whether they are of the list before, until the one that was asked for comes: none is chosen of them. */
  isOld: boolean;
}

/** The jobs of a page, each in its row, with what can be done from there. */
export function JobsTable({ rows, choosing, only, isOld }: TableOf) {
  // What was chosen of the list before would be done to others: of it no row can be.
  const order = useRef<string[]>([]);
  order.current = isOld ? [] : rows.map(({ job }) => job.id);
  const drawn = useSoon(rows);
  const { click } = choosing;
  const choose = useCallback(
    (id: string, isRange: boolean) => click(order.current, id, isRange),
    [click],
  );
  return (
    <Cards width={920} aria-label="Jobs" aria-busy={isOld} className="jobs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={32}>
            <ChoosePage choosing={choosing} order={order.current} isOld={isOld} />
          </Table.Th>
          <Table.Th w={140}>State</Table.Th>
          <Table.Th>Task</Table.Th>
          <Table.Th>Arguments</Table.Th>
          <Table.Th>Queue</Table.Th>
          <Table.Th className="number">Attempt</Table.Th>
          <Table.Th className="number">Asked</Table.Th>
          <Table.Th className="number">Ended</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody onClick={useGoing()}>
        {drawn.map((row) => (
          <Row
            key={row.job.id}
            row={row}
            isChosen={isChosen(choosing, row.job.id)}
            choose={choose}
            only={only}
          />
        ))}
      </Table.Tbody>
    </Cards>
  );
}

const addressOf = (job: string) => `${basePath}/jobs/${job}`;

/** Follows the plain links of rows within the page; what is to open elsewhere is left to the browser. */
function useGoing() {
  const navigate = useNavigate();
  return (event: MouseEvent) => {
    const link = (event.target as Element).closest("a");
    const isElsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (!link || isElsewhere || event.button !== 0) return;
    event.preventDefault();
    const job = link.pathname.slice(addressOf("").length);
    void navigate({ to: "/jobs/$job", params: { job } });
  };
}

/** As many rows as fill a screen at once, and the others as soon as nothing waits for them. */
function useSoon(rows: JobRow[]): JobRow[] {
  const ids = useMemo(() => new Set(rows.map(({ job }) => job.id)), [rows]);
  const known = useDeferredValue(ids, NONE);
  return rows.filter(({ job }, place) => place < SCREEN || known.has(job.id));
}

interface RowOf {
  row: JobRow;
  isChosen: boolean;
  choose: (id: string, isRange: boolean) => void;
  only: Only;
}

/** Drawn anew only where something of it has changed: there are a hundred, told of once a second. */
const Row = memo(function Row({ row: { job, args }, isChosen, choose, only }: RowOf) {
  return (
    <tr className={isChosen ? "row marked" : "row"}>
      <td>
        <ChooseRow id={job.id} isChosen={isChosen} click={choose} />
      </td>
      <td>
        <Cell word="state" value={job.state} only={only}>
          <StateBadge of={job.state} />
          {job.state === "running" && job.progress !== null && (
            <span className="number small">{Math.round(job.progress * 100)} %</span>
          )}
        </Cell>
      </td>
      <td>
        <Cell word="task" value={job.task} only={only}>
          <a className="name" href={addressOf(job.id)}>
            {seen(job.task)}
          </a>
        </Cell>
        <Marks job={job} only={only} />
      </td>
      <td className="rest">
        <div className="mono clip" title={args ?? undefined}>
          {args ?? "–"}
        </div>
        {job.reason && job.state !== "completed" && (
          <div
            className={job.state === "failed" ? "clip small wrong" : "clip small"}
            title={job.reason}
          >
            {seen(job.reason)}
          </div>
        )}
      </td>
      <td data-label="Queue" className="half">
        <Cell word="queue" value={job.queue} only={only}>
          <span className="name">{seen(job.queue)}</span>
        </Cell>
      </td>
      <td data-label="Attempt" className="number">
        {job.attempt}/{job.max_attempts}
      </td>
      <td data-label="Asked" className="number">
        <Moment at={job.created_at} />
      </td>
      <td data-label="Ended" className="number">
        <Moment at={job.finished_at} />
      </td>
    </tr>
  );
});

function Marks({ job, only }: { job: JobRow["job"]; only: Only }) {
  if (!job.schedule && !job.tags.length) return null;
  return (
    <div className="marks">
      {job.schedule && (
        <Mark word="schedule" value={job.schedule} only={only}>
          {job.schedule}
        </Mark>
      )}
      {job.tags.map((tag) => (
        <Mark key={tag} word="tag" value={tag} only={only}>
          #{tag}
        </Mark>
      ))}
    </div>
  );
}

interface CellOf {
  word: Parameters<Only>[0];
  value: string;
  only: Only;
  children: ReactNode;
}

/** A small word that narrows the list to its like. */
function Mark({ word, value, only, children }: CellOf) {
  return (
    <button
      type="button"
      className="mark"
      aria-label={`Only ${word} ${value}`}
      onClick={() => only(word, value)}
    >
      {typeof children === "string" ? seen(children) : children}
    </button>
  );
}

const SIGN = <Filter size={11} aria-hidden />;

/** What stands in a cell, and beside it what narrows the list to that alone. */
function Cell({ word, value, only, children }: CellOf) {
  return (
    <div className="cell">
      {children}
      <button
        type="button"
        className="only"
        data-hint="Only this"
        aria-label={`Only ${word} ${value}`}
        onClick={() => only(word, value)}
      >
        {SIGN}
      </button>
    </div>
  );
}
