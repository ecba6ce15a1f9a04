import { Group, Stack, Title } from "@mantine/core";
import { type ReactNode, useEffect, useSyncExternalStore } from "react";

let title = "";
const listeners = new Set<() => void>();

function entitle(to: string): void {
  title = to;
  for (const heard of listeners) heard();
}

/** The title of the page that is shown. */
export function usePageTitle(): string {
  return useSyncExternalStore(
    (heard) => {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
    () => title,
  );
}

interface PageOf {
  title: string;
  /** Beside the title: how it stands. */
  beside?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page: what it is called, what can be done on it, and what it shows. */
export function Page({ title: name, beside, actions, children }: PageOf) {
  useEffect(() => entitle(name), [name]);
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Group gap="sm">
          <Title order={1} size="h3">
            {name}
          </Title>
          {beside}
        </Group>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}
