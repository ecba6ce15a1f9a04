import "@mantine/spotlight/styles.css";
import { useDebouncedValue } from "@mantine/hooks";
import {
  Spotlight,
  type SpotlightActionData,
  type SpotlightActionGroupData,
  spotlight,
} from "@mantine/spotlight";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { told } from "../api";
import { queuesList, schedulesList, tasksList } from "../client/sdk.gen";
import type { Place } from "../places";
import { useMay } from "../session";

const FEW = 7;
const JOB = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

interface PaletteOf {
  places: Place[];
  /** What can be done from anywhere, by its name. */
  acts: Record<string, () => void>;
  /** How often it was asked for: each time it opens. */
  asked: number;
}

/** Goes anywhere and does what can be done anywhere, by a few letters. */
export function Palette({ places, acts, asked }: PaletteOf) {
  const [typed, setTyped] = useState("");
  const navigate = useNavigate();

  useEffect(() => {
    if (asked) spotlight.open();
  }, [asked]);

  const fits = fitting(typed);
  const groups: SpotlightActionGroupData[] = [
    {
      group: "Jobs",
      actions: jobs(typed, (job) => void navigate({ to: "/jobs/$job", params: { job } })),
    },
    ...useFound(typed),
    {
      group: "Pages",
      actions: places
        .filter(({ name }) => fits(name))
        .map((each) => ({
          id: each.to,
          label: each.name,
          onClick: () => void navigate({ to: each.to }),
        })),
    },
    {
      group: "Actions",
      actions: Object.entries(acts)
        .filter(([name]) => fits(name))
        .map(([label, onClick]) => ({ id: `act ${label}`, label, onClick })),
    },
  ];
  const ids = groups.flatMap((each) => each.actions.map(({ id }) => id)).join("\n");

  // What the server finds comes later, and above what was chosen: Enter takes the first.
  useEffect(() => {
    const listed = ids ? document.querySelectorAll("[data-action]") : [];
    for (const [place, each] of listed.entries())
      each.toggleAttribute("data-selected", place === 0);
  }, [ids]);

  return (
    <Spotlight
      actions={groups.filter((each) => each.actions.length)}
      query={typed}
      onQueryChange={setTyped}
      shortcut={null}
      filter={(_, all) => all}
      nothingFound="Nothing is called so"
      highlightQuery
      searchProps={{
        placeholder: "A page, a schedule, a task, a queue, the id of a job",
        "aria-label": "Go to",
      }}
    />
  );
}

const fitting = (typed: string) => {
  const sought = typed.trim().toLowerCase();
  return (name: string) => name.toLowerCase().includes(sought);
};

function jobs(typed: string, open: (job: string) => void): SpotlightActionData[] {
  const id = typed.trim();
  return JOB.test(id) ? [{ id: `job ${id}`, label: id, onClick: () => open(id) }] : [];
}

/** Schedules, tasks and queues by a part of their names; the server looks for schedules, of which there may be many. */
function useFound(typed: string): SpotlightActionGroupData[] {
  const [asked] = useDebouncedValue(typed.trim(), 150);
  const navigate = useNavigate();
  const schedules = useQuery({
    queryKey: ["schedules", "palette", asked],
    queryFn: () => told(schedulesList({ query: { limit: FEW, search: asked } })),
    enabled: useMay("schedules:read") && asked !== "",
  });
  const tasks = useQuery({
    queryKey: ["workers", "tasks"],
    queryFn: () => told(tasksList()),
    enabled: useMay("workers:read"),
  });
  const queues = useQuery({
    queryKey: ["queues"],
    queryFn: () => told(queuesList()),
    enabled: useMay("queues:read"),
  });
  // All at once: whoever presses Enter takes the first.
  if (!asked || schedules.isPlaceholderData || schedules.isLoading) return [];
  const fits = fitting(asked);
  const few = <Found,>(found: Found[] | undefined, of: (each: Found) => SpotlightActionData) =>
    (found ?? []).slice(0, FEW).map(of);
  return [
    {
      group: "Schedules",
      actions: few(schedules.data?.data, ({ name, description }) => ({
        id: `schedule ${name}`,
        label: name,
        description,
        onClick: () => void navigate({ to: "/schedules/$", params: { _splat: name } }),
      })),
    },
    {
      group: "Tasks",
      actions: few(
        tasks.data?.data.filter((each) => fits(each.name)),
        ({ name }) => ({
          id: `task ${name}`,
          label: name,
          description: "its jobs",
          onClick: () => void navigate({ to: "/jobs", search: { task: name } }),
        }),
      ),
    },
    {
      group: "Queues",
      actions: few(
        queues.data?.data.filter((each) => fits(each.name)),
        ({ name }) => ({
          id: `queue ${name}`,
          label: name,
          description: "its jobs",
          onClick: () => void navigate({ to: "/jobs", search: { queue: name } }),
        }),
      ),
    },
  ];
}
