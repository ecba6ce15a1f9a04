import { SimpleGrid, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** What is known of one thing: names, each over its value. */
export function Facts({ of, cols = 4 }: { of: [name: string, value: ReactNode][]; cols?: number }) {
  return (
    <SimpleGrid component="dl" cols={{ base: 2, sm: cols }} m={0} spacing="sm" verticalSpacing="xs">
      {of.map(([name, value]) => (
        <div key={name}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: "anywhere" }}>
            {value}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}
