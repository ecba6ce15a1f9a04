import "@mantine/core/styles/Checkbox.css";
import { Checkbox, SimpleGrid, Text } from "@mantine/core";
import type { Permission } from "../client/types.gen";

/** Everything that may be allowed, and what it is in words. */
export const ALLOWS: Record<Permission, string> = {
  "jobs:read": "see jobs",
  "jobs:arguments": "see arguments, results, logs and errors",
  "jobs:enqueue": "ask for jobs",
  "jobs:manage": "retry and cancel jobs",
  "schedules:read": "see schedules",
  "schedules:write": "make, change and remove schedules",
  "schedules:trigger": "trigger, pause, skip, backfill",
  "queues:read": "see queues and limits",
  "queues:manage": "pause queues; change limits and what is kept",
  "workers:read": "see workers, services, the system",
  "services:manage": "pause, stop and start services",
  "webhooks:write": "make and change webhooks",
  "incidents:read": "see incidents",
  "incidents:manage": "acknowledge and resolve; rules, silences",
  "channels:manage": "change where incidents are told",
  "code:run": "give commands to the task shell",
  "cron:tick": "have due schedules made into jobs",
  "users:manage": "users, and everybody's tokens",
  "audit:read": "see the audit log",
  "database:read": "see what the doctor finds, and verify the database",
  "database:manage": "repair indexes and statistics",
};

interface PermissionsOf {
  label: string;
  /** Which are offered. */
  of: Permission[];
  chosen: Permission[];
  choose: (to: Permission[]) => void;
  error?: string;
}

/** Permissions to choose from, each with what it allows. */
export function Permissions({ label, of, chosen, choose, error }: PermissionsOf) {
  return (
    <Checkbox.Group
      label={label}
      value={chosen}
      error={error}
      onChange={(to) => choose(to as Permission[])}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs" verticalSpacing={4} mt={4}>
        {of.map((each) => (
          <Checkbox
            key={each}
            size="xs"
            value={each}
            label={
              <>
                {each}{" "}
                <Text span size="xs" c="dimmed">
                  {ALLOWS[each]}
                </Text>
              </>
            }
          />
        ))}
      </SimpleGrid>
    </Checkbox.Group>
  );
}
