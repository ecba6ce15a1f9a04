import "@mantine/core/styles/Progress.css";
import { Card, CloseButton, Group, Progress, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { told } from "../api";
import { operationsGet, operationsStop } from "../client/sdk.gen";
import type { OperationOut } from "../client/types.gen";
import { Act } from "./act";
import { Going } from "./going";

/** What operations do, in words: to jobs, and to schedules. */
export const DOES = {
  cancel: "Cancel",
  retry: "Run again",
  redrive: "Run failed ones again",
  pause: "Pause schedules",
  resume: "Resume schedules",
  remove: "Remove schedules",
};

/** What is read anew when one has ended. */
const READ_ANEW = { jobs: ["jobs"], schedules: ["schedules", "calendar"] };

/** An operation, read anew each second while it goes on. */
export function useOperation(id: string) {
  const queries = useQueryClient();
  const found = useQuery({
    queryKey: ["operations", id],
    queryFn: () => told(operationsGet({ path: { operation: id } })),
    refetchInterval: ({ state }) => (state.data?.state === "running" ? 1000 : false),
  });
  const over = found.data && found.data.state !== "running" ? found.data.of : null;
  useEffect(() => {
    for (const each of over ? READ_ANEW[over] : [])
      void queries.invalidateQueries({ queryKey: [each] });
  }, [over, queries]);
  return found;
}

/** How far an operation has come, in words. */
export function howFar({ done, failed, total, is_total_exact, state, of }: OperationOut): string {
  const all = `${total.toLocaleString("en")}${is_total_exact ? "" : " or more"}`;
  const not = failed ? `, ${failed.toLocaleString("en")} could not be` : "";
  return `${state}: ${done.toLocaleString("en")} of ${all} ${of}${not}`;
}

/** The bar of an operation, with its stop. */
export function ProgressOf({ of }: { of: OperationOut }) {
  const come = of.total ? Math.min(100, (100 * (of.done + of.failed)) / of.total) : 100;
  return (
    <Progress
      value={come}
      aria-label={`${DOES[of.action]}: how far it has come`}
      color={of.failed ? "yellow" : of.state === "completed" ? "green" : "indigo"}
    />
  );
}

export function Stop({ of }: { of: OperationOut }) {
  return (
    <Act
      name="Stop"
      needs="jobs:manage"
      color="red"
      off={of.state !== "running" && "It has ended."}
      done={`It changes no more ${of.of}.`}
      reads={["operations", ...READ_ANEW[of.of]]}
      does={() => told(operationsStop({ path: { operation: of.id } }))}
    />
  );
}

/** An operation that was begun on this page. */
export function OperationStrip({ id, close }: { id: string; close: () => void }) {
  const { data } = useOperation(id);
  if (!data) return null;
  return (
    <Card withBorder padding="xs" role="status" aria-label="Operation">
      <Group justify="space-between" mb={6} wrap="nowrap">
        <Text size="sm">
          <Going to="/operations/$operation" params={{ operation: id }}>
            {DOES[data.action]}
          </Going>{" "}
          {howFar(data)}
        </Text>
        <Group gap="xs" wrap="nowrap">
          <Stop of={data} />
          <CloseButton aria-label="Put it away" onClick={close} />
        </Group>
      </Group>
      <ProgressOf of={data} />
    </Card>
  );
}
