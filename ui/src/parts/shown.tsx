import { Alert, Button, Center, Skeleton, Stack, Text, Title } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Refused } from "../api";
import { PLACES, placeOf } from "../places";
import { Going } from "./going";

/** What was asked for, or why it is not there; what was there before stays while it is read anew. */
export function Shown<T>({
  of,
  isSaid = false,
  children,
}: {
  of: UseQueryResult<T>;
  /** Whether the page says what went wrong, once for all that it asked for. */
  isSaid?: boolean;
  children: (data: T) => ReactNode;
}) {
  if (of.data !== undefined) {
    return (
      <>
        {of.error && !isSaid && <Wrong error={of.error} again={() => of.refetch()} />}
        {children(of.data)}
      </>
    );
  }
  if (of.error && isSaid) return null;
  if (of.error instanceof Refused && of.error.status === 404) return <Gone of={of.error} />;
  if (of.error) return <Wrong error={of.error} again={() => of.refetch()} />;
  return (
    <Stack gap="xs" aria-busy="true">
      {[1, 2, 3, 4].map((each) => (
        <Skeleton key={each} height={32} />
      ))}
    </Stack>
  );
}

/** That there is no such thing: what was looked for, and where its like are. */
function Gone({ of }: { of: Refused }) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const place = PLACES.find((each) => each.to === placeOf(path)) ?? PLACES[0];
  return (
    <Center py="xl">
      <Stack gap="xs" align="center">
        <Title order={1} size="h4" ta="center" style={{ overflowWrap: "anywhere" }}>
          {inWords(of.message)}
        </Title>
        <Text size="sm" c="dimmed" ta="center">
          It was removed, or has been kept as long as it was to be, or its address is not whole.
        </Text>
        <Going to={place?.to}>To {place?.name}</Going>
      </Stack>
    </Center>
  );
}

/** A refusal as a sentence; which request lists its like is nothing to a person. */
export function inWords(detail: string): string {
  const said = detail.replace(/; GET \/\S+ lists (them|it)$/, "");
  return `${said[0]?.toUpperCase() ?? ""}${said.slice(1)}`;
}

/** Why something was not done or not read, in the server's own words. */
export function Wrong({ error, again }: { error: Error; again?: () => void }) {
  const request = error instanceof Refused ? error.problem.request_id : "";
  return (
    <Alert color="red" title={error.message} role="alert" mb="sm">
      {request && (
        <Text size="xs" c="dimmed">
          request {request}
        </Text>
      )}
      {again && (
        <Button size="xs" variant="default" mt="xs" onClick={again}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

/** Where there is nothing to show: what that means, and what to do. */
export function Nothing({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Center py="xl">
      <Stack gap={4} align="center">
        <Text fw={600}>{title}</Text>
        <Text c="dimmed" size="sm" component="div">
          {children}
        </Text>
      </Stack>
    </Center>
  );
}
