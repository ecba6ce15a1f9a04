import "./jobs.css";
import { ActionIcon, Group, Table, Text, Tooltip } from "@mantine/core";
import { Filter } from "lucide-react";
import { Cards } from "../parts/cards";
import { ChoosePage, ChooseRow, type Choosing, isChosen } from "../parts/choosing_boxes";
import { seen } from "../parts/exact";
import { Going } from "../parts/going";
import type { JobRow } from "../parts/job_page";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";

/** Narrows the list to one value of a word. */
export type Only = (word: "state" | "task" | "queue" | "schedule" | "tag", value: string) => void;

interface TableOf {
  rows: JobRow[];
  choosing: Choosing;
  only: Only;
  /** Whether they are of the list before, until the one that was asked for comes: none is chosen of them. */
  isOld: boolean;
}

/** The jobs of a page, each in its row, with what can be done from there. */
export function JobsTable({ rows, choosing, only, isOld }: TableOf) {
  const order = rows.map(({ job }) => job.id);
  return (
    <Cards width={920} aria-label="Jobs" aria-busy={isOld} className="jobs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={32}>
            <ChoosePage choosing={choosing} order={order} isOld={isOld} />
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
      <Table.Tbody>
        {rows.map((row) => (
          <Row
            key={row.job.id}
            row={row}
            order={order}
            choosing={choosing}
            only={only}
            isOld={isOld}
          />
        ))}
      </Table.Tbody>
    </Cards>
  );
}

interface RowOf {
  row: JobRow;
  order: string[];
  choosing: Choosing;
  only: Only;
  isOld: boolean;
}

function Row({ row: { job, args }, order, choosing, only, isOld }: RowOf) {
  return (
    <Table.Tr bg={isChosen(choosing, job.id) ? "var(--mantine-primary-color-light)" : undefined}>
      <Table.Td>
        <ChooseRow choosing={choosing} order={order} isOld={isOld} id={job.id} />
      </Table.Td>
      <Table.Td>
        <Cell word="state" value={job.state} only={only}>
          <StateBadge of={job.state} />
          {job.state === "running" && job.progress !== null && (
            <Text span size="xs" c="dimmed" className="number">
              {Math.round(job.progress * 100)} %
            </Text>
          )}
        </Cell>
      </Table.Td>
      <Table.Td>
        <Cell word="task" value={job.task} only={only}>
          <Going to="/jobs/$job" params={{ job: job.id }} size="sm" className="name">
            {seen(job.task)}
          </Going>
        </Cell>
        <Marks job={job} only={only} />
      </Table.Td>
      <Table.Td className="rest">
        <div className="mono clip" title={args ?? undefined}>
          {args ?? "–"}
        </div>
        {job.reason && job.state !== "completed" && (
          <Text
            size="xs"
            className="clip"
            c={job.state === "failed" ? "var(--mantine-color-red-text)" : "dimmed"}
            title={job.reason}
          >
            {seen(job.reason)}
          </Text>
        )}
      </Table.Td>
      <Table.Td data-label="Queue" className="half">
        <Cell word="queue" value={job.queue} only={only}>
          <Text size="sm" className="name">
            {seen(job.queue)}
          </Text>
        </Cell>
      </Table.Td>
      <Table.Td data-label="Attempt" className="number">
        {job.attempt}/{job.max_attempts}
      </Table.Td>
      <Table.Td data-label="Asked" className="number">
        <Moment at={job.created_at} />
      </Table.Td>
      <Table.Td data-label="Ended" className="number">
        <Moment at={job.finished_at} />
      </Table.Td>
    </Table.Tr>
  );
}

function Marks({ job, only }: { job: JobRow["job"]; only: Only }) {
  if (!job.schedule && !job.tags.length) return null;
  return (
    <Group gap={4}>
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
    </Group>
  );
}

interface CellOf {
  word: Parameters<Only>[0];
  value: string;
  only: Only;
  children: React.ReactNode;
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

/** What stands in a cell, and beside it what narrows the list to that alone. */
function Cell({ word, value, only, children }: CellOf) {
  return (
    <Group gap={4} wrap="nowrap" className="cell">
      {children}
      <Tooltip label="Only this" openDelay={300}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="xs"
          className="only"
          aria-label={`Only ${word} ${value}`}
          onClick={() => only(word, value)}
        >
          <Filter size={11} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
