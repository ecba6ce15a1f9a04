import {
  Alert,
  Badge,
  Card,
  Code,
  Grid,
  Group,
  Stack,
  Table,
  Text,
  Title,
  Tooltip,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { told } from "../api";
import {
  schedulesGet,
  schedulesNext,
  schedulesOccurrences,
  schedulesPause,
  schedulesResume,
  schedulesSkip,
  schedulesTrigger,
  schedulesVersions,
  schedulesWhy,
} from "../client/sdk.gen";
import type { OccurrenceOut, ScheduleOut } from "../client/types.gen";
import { Act } from "../parts/act";
import { Going } from "../parts/going";
import { Page } from "../parts/page";
import { Nothing, Shown, Wrong } from "../parts/shown";
import { local, Moment, moment, nameOf, useZone } from "../parts/time";
import { Schedules } from "./schedules";

/** One schedule; its name may have slashes, and where there is none all are listed. */
export function Schedule() {
  const { _splat: name = "" } = useParams({ from: "/schedules/$" });
  return name ? <One name={name} /> : <Schedules />;
}

/** When next, what became of its moments, and what was changed. */
function One({ name }: { name: string }) {
  const found = useQuery({
    queryKey: ["schedules", name],
    queryFn: () => told(schedulesGet({ path: { name } })),
  });
  return <Shown of={found}>{(schedule) => <Found schedule={schedule} />}</Shown>;
}

function Found({ schedule }: { schedule: ScheduleOut }) {
  return (
    <Page
      title={schedule.name}
      beside={<Standing of={schedule} />}
      actions={<Actions schedule={schedule} />}
    >
      <Text size="sm">
        {schedule.description}, runs{" "}
        <Going to="/jobs" search={{ schedule: schedule.name }}>
          {schedule.task}
        </Going>{" "}
        <Text span c="dimmed">
          ({schedule.source})
        </Text>
      </Text>
      {schedule.warnings.map((each) => (
        <Alert key={each} color="yellow" p="xs">
          {each}
        </Alert>
      ))}
      <Why schedule={schedule} />
      <Occurred name={schedule.name} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Next name={schedule.name} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Changes name={schedule.name} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function Standing({ of }: { of: ScheduleOut }) {
  if (of.broken)
    return (
      <Badge variant="light" tt="none" color="red">
        set aside
      </Badge>
    );
  if (of.retired_at)
    return (
      <Badge variant="light" tt="none" color="gray">
        retired
      </Badge>
    );
  if (of.paused_at)
    return (
      <Badge variant="light" tt="none" color="yellow">
        paused by {of.paused_by}
      </Badge>
    );
  return (
    <Badge variant="light" tt="none" color="green">
      on
    </Badge>
  );
}

function Actions({ schedule }: { schedule: ScheduleOut }) {
  const path = { name: schedule.name };
  return (
    <>
      <Act
        name="Run now"
        needs="schedules:trigger"
        done="A job was made."
        reads={["schedules"]}
        does={() => told(schedulesTrigger({ path, body: {} }))}
      />
      <Act
        name="Skip next"
        needs="schedules:write"
        done="The next moment is skipped."
        reads={["schedules"]}
        does={() => told(schedulesSkip({ path, body: { count: schedule.skips + 1 } }))}
      />
      {schedule.paused_at ? (
        <Act
          key="resume"
          name="Resume"
          needs="schedules:write"
          done="It is on again."
          reads={["schedules"]}
          does={() => told(schedulesResume({ path }))}
        />
      ) : (
        <Act
          key="pause"
          name="Pause"
          needs="schedules:write"
          done="It is paused."
          reads={["schedules"]}
          does={() => told(schedulesPause({ path, body: {} }))}
        />
      )}
    </>
  );
}

function Why({ schedule }: { schedule: ScheduleOut }) {
  const why = useQuery({
    queryKey: ["schedules", schedule.name, "why"],
    queryFn: () => told(schedulesWhy({ path: { name: schedule.name } })),
  });
  if (why.error) return <Wrong error={why.error} />;
  return (
    <>
      {why.data?.data.map((reason) => (
        <Text key={reason.code + reason.what} size="sm" c="dimmed">
          {reason.what} {reason.remedy && <Code>{reason.remedy}</Code>}
        </Text>
      ))}
    </>
  );
}

/** How each end of a moment is shown: a colour, and a sign for whoever sees no colours. */
const ENDS: Record<string, [color: string, sign: string]> = {
  ran: ["green", ""],
  late: ["yellow", "+"],
  coalesced: ["gray", "="],
  skipped: ["gray", "–"],
  missed: ["red", "!"],
};

function Occurred({ name }: { name: string }) {
  const past = useQuery({
    queryKey: ["schedules", name, "occurrences"],
    queryFn: () => told(schedulesOccurrences({ path: { name }, query: { limit: 90 } })),
  });
  return (
    <Card withBorder padding="sm">
      <Title order={2} size="h5" mb="xs">
        What became of its moments
      </Title>
      <Shown of={past}>
        {({ data }) =>
          data.length ? (
            <Group gap={3}>
              {[...data]
                .sort((one, other) => one.due_at.localeCompare(other.due_at))
                .map((each) => (
                  <Cell key={each.due_at} of={each} />
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

function Cell({ of }: { of: OccurrenceOut }) {
  const [zone] = useZone();
  const says = `${moment(of.due_at, zone)}: ${of.outcome}${of.reason ? `, ${of.reason}` : ""}${
    of.through_at ? ` (through ${moment(of.through_at, zone)})` : ""
  }`;
  const [color, sign] = ENDS[of.outcome] ?? ["gray", "?"];
  const cell = (
    <Badge color={color} w={18} h={24} p={0} radius="xs" aria-label={says}>
      {sign}
    </Badge>
  );
  return (
    <Tooltip label={says}>
      {of.job ? (
        <Link to="/jobs/$job" params={{ job: of.job }}>
          {cell}
        </Link>
      ) : (
        cell
      )}
    </Tooltip>
  );
}

function Next({ name }: { name: string }) {
  const next = useQuery({
    queryKey: ["schedules", name, "next"],
    queryFn: () => told(schedulesNext({ path: { name }, query: { count: 10 } })),
  });
  const mine = nameOf("mine");
  return (
    <Card withBorder padding="sm">
      <Title order={2} size="h5" mb="xs">
        Next
      </Title>
      <Shown of={next}>
        {({ runs }) =>
          runs.length ? (
            <Table verticalSpacing={3}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Its zone</Table.Th>
                  {mine !== "UTC" && <Table.Th>{mine}</Table.Th>}
                  <Table.Th>UTC</Table.Th>
                  <Table.Th />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {runs.map((each) => (
                  <Table.Tr key={each.utc}>
                    <Table.Td className="mono">{local(each.local)}</Table.Td>
                    {mine !== "UTC" && (
                      <Table.Td className="mono">{moment(each.utc, "mine")}</Table.Td>
                    )}
                    <Table.Td className="mono">{moment(each.utc, "UTC")}</Table.Td>
                    <Table.Td className="number">
                      <Moment at={each.utc} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          ) : (
            <Nothing title="It has no more moments" />
          )
        }
      </Shown>
    </Card>
  );
}

function Changes({ name }: { name: string }) {
  const versions = useQuery({
    queryKey: ["schedules", name, "versions"],
    queryFn: () => told(schedulesVersions({ path: { name } })),
  });
  return (
    <Card withBorder padding="sm">
      <Title order={2} size="h5" mb="xs">
        Changes
      </Title>
      <Shown of={versions}>
        {({ data }) =>
          data.length ? (
            <Stack gap={6}>
              {data.map((each) => (
                <div key={each.version}>
                  <Text size="sm">
                    Version {each.version} by {each.by}{" "}
                    <Text span c="dimmed" size="xs">
                      <Moment at={each.at} />
                    </Text>
                  </Text>
                  {each.why && <Text size="xs">{each.why}</Text>}
                </div>
              ))}
            </Stack>
          ) : (
            <Nothing title="It is as it was made" />
          )
        }
      </Shown>
    </Card>
  );
}
