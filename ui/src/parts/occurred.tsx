import { Badge, Card, Group, Text, Title, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { told } from "../api";
import { jobsList, schedulesOccurrences } from "../client/sdk.gen";
import type { OccurrenceOut } from "../client/types.gen";
import { useMay } from "../session";
import { Nothing, Shown } from "./shown";
import { moment, useZone } from "./time";

/** How each end of a moment is shown: a colour, and a sign for whoever sees no colours. */
const ENDS: Record<string, [color: string, sign: string]> = {
  ran: ["green", ""],
  failed: ["red", "✗"],
  late: ["yellow", "+"],
  coalesced: ["gray", "="],
  skipped: ["gray", "–"],
  missed: ["red", "!"],
  undecided: ["blue", "…"],
};

type Asked = NonNullable<Parameters<typeof jobsList>[0]>["query"];

/** Which of its newest jobs failed: a moment at which it ran may have come to nothing. */
function useFailed(name: string): Set<string> {
  const may = useMay("jobs:read");
  const failed = useQuery({
    queryKey: ["jobs", "of", name, "failed", "all"],
    queryFn: () =>
      told(jobsList({ query: { schedule: [name], state: ["failed"], limit: 100 } as Asked })),
    enabled: may,
  });
  return new Set(failed.data?.data.map((each) => each.id));
}

/** What became of the newest moments of a schedule, and of the jobs that they made. */
export function Occurred({ name }: { name: string }) {
  const failed = useFailed(name);
  const past = useQuery({
    queryKey: ["schedules", name, "occurrences"],
    queryFn: () => told(schedulesOccurrences({ path: { name }, query: { limit: 90 } })),
  });
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          What became of its moments
        </Title>
        <Group gap="xs">
          {Object.entries(ENDS).map(([end, [color, sign]]) => (
            <Text key={end} size="xs" c="dimmed">
              <Badge
                color={color}
                w={14}
                h={14}
                p={0}
                radius="xs"
                style={{ verticalAlign: "middle" }}
                aria-hidden="true"
              >
                {sign}
              </Badge>{" "}
              {end}
            </Text>
          ))}
        </Group>
      </Group>
      <Shown of={past}>
        {({ data }) =>
          data.length ? (
            <Group gap={3}>
              {[...data]
                .sort((one, other) => one.due_at.localeCompare(other.due_at))
                .map((each) => (
                  <Cell
                    key={each.due_at}
                    of={each}
                    isFailed={each.job !== null && failed.has(each.job)}
                  />
                ))}
            </Group>
          ) : (
            <Nothing title="None has come yet" />
          )
        }
      </Shown>
    </Card>
  );
}

function Cell({ of, isFailed }: { of: OccurrenceOut; isFailed: boolean }) {
  const [zone] = useZone();
  const says = `${moment(of.due_at, zone)}: ${of.outcome}${isFailed ? ", its job failed" : ""}${of.reason ? `, ${of.reason}` : ""}${
    of.through_at ? ` (through ${moment(of.through_at, zone)})` : ""
  }${of.reruns ? `, made again by hand: ${of.reruns}` : ""}`;
  const [color, sign] = ENDS[isFailed ? "failed" : of.outcome] ?? ["gray", "?"];
  const cell = (
    <Badge
      color={color}
      w={of.through_at ? 30 : 18}
      h={24}
      p={0}
      radius="xs"
      role="img"
      aria-label={says}
    >
      {sign}
    </Badge>
  );
  return (
    <Tooltip label={says} multiline maw={420}>
      {of.job ? (
        <Link
          to="/jobs/$job"
          params={{ job: of.job }}
          style={{ display: "flex", textDecoration: "none" }}
        >
          {cell}
        </Link>
      ) : (
        cell
      )}
    </Tooltip>
  );
}
