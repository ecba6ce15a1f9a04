import { Card, Group, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A part of a page: what it is called, what stands beside that, and what it shows. */
export function Part({
  title,
  beside,
  children,
}: {
  title: string;
  beside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Card withBorder padding="sm" h="100%">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
        {beside}
      </Group>
      {children}
    </Card>
  );
}
