import { Alert, Card, Stack, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import { schedulesPreview } from "../client/sdk.gen";
import type { PreviewIn } from "../client/types.gen";
import { NextRuns } from "./next_runs";
import { asked, type Rule } from "./rule";

/** What the server makes of a rule: words, warnings, and its next moments. */
export function Preview({ rule }: { rule: Rule }) {
  const [settled] = useDebouncedValue(rule, 200);
  const body = tried(settled);
  const preview = useQuery({
    queryKey: ["preview", settled],
    queryFn: () => told(schedulesPreview({ body: { ...body, count: 10 } as PreviewIn })),
    enabled: body !== null && settled.text.trim() !== "",
    placeholderData: undefined,
    retry: false,
  });
  const zone = settled.kind === "once" || settled.kind === "spec" ? "UTC" : settled.tz;
  return (
    <Card withBorder padding="sm" aria-live="polite" style={{ position: "sticky", top: 64 }}>
      <Title order={2} size="h5" mb="xs">
        What that means
      </Title>
      {!settled.text.trim() && (
        <Text size="sm" c="dimmed">
          Say when, and its next moments stand here.
        </Text>
      )}
      {body === null && (
        <Text size="sm" c="red">
          That is no JSON.
        </Text>
      )}
      {preview.error && (
        <Text size="sm" c="red">
          {preview.error.message}
        </Text>
      )}
      {settled.text.trim() && !preview.error && preview.data && (
        <Stack gap="xs">
          <Text fw={600}>{preview.data.description}</Text>
          {preview.data.warnings.map((each) => (
            <Alert key={each} color="yellow" p="xs">
              {each}
            </Alert>
          ))}
          <NextRuns runs={preview.data.runs} zone={zone} />
        </Stack>
      )}
    </Card>
  );
}

function tried(rule: Rule): Record<string, unknown> | null {
  try {
    return asked(rule);
  } catch {
    return null;
  }
}
