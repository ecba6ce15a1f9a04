import "@mantine/core/styles/Combobox.css";
import { Autocomplete } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { queuesList, schedulesList, tasksList } from "../client/sdk.gen";
import type { JobsSought } from "../router";
import { useMay } from "../session";
import type { JobRow } from "./job_page";
import { completions, type Known, sought, words } from "./tokens";

interface FilteringOf {
  search: JobsSought;
  seek: (to: JobsSought) => void;
  /** The jobs that are shown: their names are offered, too. */
  rows: JobRow[];
}

/** The line that narrows a list of jobs; what makes no sense is said at it, and the list stays. */
export function Filtering({ search, seek, rows }: FilteringOf) {
  const line = words(search);
  const [of, setOf] = useState(line);
  const [typed, setTyped] = useState(line);
  const [wrong, setWrong] = useState<string | null>(null);
  const [isOpen, setOpen] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const known = useKnown(isAsked, rows);
  if (line !== of) {
    setOf(line);
    setTyped(line);
    setWrong(null);
  }
  const offered = isOpen ? completions(typed, known) : [];
  const tokens = new Map(offered.map(({ line, token }) => [line, token]));

  function submit(event: FormEvent): void {
    event.preventDefault();
    const read = sought(typed);
    setWrong(read.wrong);
    if (!read.wrong) seek(read.search);
  }

  return (
    <search>
      <form onSubmit={submit}>
        <Autocomplete
          aria-label="Narrow the list"
          placeholder="state:failed task:charge queue:billing tag:eu error:timeout arg.order_id:42"
          value={typed}
          onFocus={() => setAsked(true)}
          onChange={(to) => {
            setTyped(to);
            setWrong(null);
          }}
          data={offered.map(({ line }) => line)}
          filter={({ options }) => options}
          renderOption={({ option }) => (
            <span className="mono">{tokens.get(option.value) ?? option.value}</span>
          )}
          selectFirstOptionOnChange={false}
          error={wrong}
          dropdownOpened={isOpen}
          onDropdownOpen={() => setOpen(true)}
          onDropdownClose={() => setOpen(false)}
          onOptionSubmit={(to) => {
            // A word is chosen: its values are offered next.
            if (/[:.]$/.test(to)) requestAnimationFrame(() => setOpen(true));
          }}
          clearable
          onClear={() => seek({})}
          clearButtonProps={{ "aria-label": "Show all" }}
          spellCheck={false}
          autoCapitalize="off"
          classNames={{ input: "mono" }}
        />
      </form>
    </search>
  );
}

/** Names that are offered while one types: those on record once they are asked for, and those of the rows. */
function useKnown(isAsked: boolean, rows: JobRow[]): Known {
  const tasks = useQuery({
    queryKey: ["known", "tasks"],
    queryFn: () => told(tasksList()),
    enabled: useMay("workers:read") && isAsked,
  });
  const queues = useQuery({
    queryKey: ["known", "queues"],
    queryFn: () => told(queuesList()),
    enabled: useMay("queues:read") && isAsked,
  });
  const schedules = useQuery({
    queryKey: ["known", "schedules"],
    queryFn: () => told(schedulesList({ query: { limit: 500 } })),
    enabled: useMay("schedules:read") && isAsked,
  });
  const of = (names: (string | null)[], more: (string | null)[] = []) =>
    [...new Set([...names, ...more])].filter((each) => each !== null).sort();
  const jobs = rows.map(({ job }) => job);
  return {
    task: of(
      tasks.data?.data.map((each) => each.name) ?? [],
      jobs.map((job) => job.task),
    ),
    queue: of(
      queues.data?.data.map((each) => each.name) ?? [],
      jobs.map((job) => job.queue),
    ),
    schedule: of(
      schedules.data?.data.map((each) => each.name) ?? [],
      jobs.map((job) => job.schedule),
    ),
    tag: of(jobs.flatMap((job) => job.tags)),
    owner: of(jobs.map((job) => job.owner)),
  };
}
