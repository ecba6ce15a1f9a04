import "@mantine/core/styles/Combobox.css";
import { Select, SimpleGrid, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import { clocksList, queuesList } from "../client/sdk.gen";
import { useMe } from "../session";
import type { Draft } from "./draft";

/** What fields of the form are given. */
export interface Part {
  draft: Draft;
  change: (to: Partial<Draft>) => void;
  /** What was refused, by field. */
  wrong: Record<string, string>;
}

/** What a field of text is given, by its name. */
export type Texts = (name: keyof Draft) => {
  value: string;
  error: string | undefined;
  onChange: (event: { currentTarget: { value: string } }) => void;
};

/** What is said of the jobs that it makes. */
export function Jobs({
  draft,
  change,
  wrong,
  isNew,
  text,
}: Part & { isNew: boolean; text: Texts }) {
  // What is at the cost of others is the application's to say, and refused from owners.
  const isOwn = useMe().data?.owner !== null;
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {!isOwn && <Places draft={draft} change={change} wrong={wrong} text={text} />}
        {isNew && !isOwn && (
          <TextInput label="Each may take" placeholder="as its task says" {...text("timeout")} />
        )}
        {isNew && (
          <TextInput
            label="Each begins within"
            description="Or is called off"
            placeholder="10m"
            {...text("start_within")}
          />
        )}
        <TextInput
          label="Kept of completed jobs"
          description="A number, a time, or both"
          placeholder="100,30d"
          {...text("keep_completed")}
          error={wrong["keep.completed"] ?? (wrong["keep.failed"] ? undefined : wrong.keep)}
        />
        <TextInput
          label="Kept of failed jobs"
          description="A number, a time, or both"
          placeholder="90d"
          {...text("keep_failed")}
          error={wrong["keep.failed"]}
        />
      </SimpleGrid>
      {isNew && !isOwn && <ClockField draft={draft} change={change} wrong={wrong} />}
    </>
  );
}

function Places({ draft, change, wrong, text }: Part & { text: Texts }) {
  const queues = useQuery({
    queryKey: ["queues"],
    queryFn: () => told(queuesList()),
    retry: false,
  });
  const known = queues.data?.data.map((each) => each.name) ?? [];
  return (
    <>
      <TextInput
        label="Queue"
        placeholder="as its task says"
        description={known.length ? `There are ${known.slice(0, 5).join(", ")}` : undefined}
        {...text("queue")}
      />
      <Select
        label="Priority"
        clearable
        placeholder="as its task says"
        data={Array.from({ length: 11 }, (_, at) => ({
          value: String(at),
          label: at === 10 ? "10, the most urgent" : String(at),
        }))}
        value={draft.priority || null}
        error={wrong.priority}
        onChange={(to) => change({ priority: to ?? "" })}
      />
    </>
  );
}

function ClockField({ draft, change, wrong }: Part) {
  const clocks = useQuery({
    queryKey: ["clocks"],
    queryFn: () => told(clocksList({ query: { limit: 500 } })),
    retry: false,
  });
  const known = clocks.data?.data.map((each) => each.name) ?? [];
  return (
    <Select
      label="By the clock"
      description="A virtual clock moves only when it is told to"
      clearable
      placeholder="of the wall"
      data={[...new Set([...known, ...(draft.clock ? [draft.clock] : [])])]}
      nothingFoundMessage="There is no virtual clock"
      value={draft.clock || null}
      error={wrong.clock}
      onChange={(to) => change({ clock: to ?? "" })}
    />
  );
}
