import { Alert, Button, Center, Skeleton, Stack, Text } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Refused } from "../api";

/** What was asked for, or why it is not there; what was there before stays while it is read anew. */
export function Shown<T>({
  of,
  children,
}: {
  of: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}) {
  if (of.data !== undefined) {
    return (
      <>
        {of.error && <Wrong error={of.error} again={() => of.refetch()} />}
        {children(of.data)}
      </>
    );
  }
  if (of.error) return <Wrong error={of.error} again={() => of.refetch()} />;
  return (
    <Stack gap="xs" aria-busy="true">
      {[1, 2, 3, 4].map((each) => (
        <Skeleton key={each} height={32} />
      ))}
    </Stack>
  );
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
