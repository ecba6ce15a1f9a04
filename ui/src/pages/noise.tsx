import { Card, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { told } from "../api";
import { channelsStats } from "../client/sdk.gen";
import { AlertTabs } from "../parts/alert_tabs";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { Chosen, Narrowing } from "../parts/narrowing";
import { noiseOf, type RuleNoise } from "../parts/noise";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";

/** Which rules are told often, and how much of it nobody sees to. */
export function Noise() {
  const [search] = useSought();
  const window = search.window ?? "7d";
  const stats = useQuery({
    queryKey: ["channels", "stats", window],
    queryFn: () => told(channelsStats({ query: { window } })),
  });
  return (
    <Page title="Noise">
      <AlertTabs />
      <Narrowing>
        <Chosen
          label="Within"
          name="window"
          none="7 days"
          choices={[
            { value: "24h", label: "24 hours" },
            { value: "30d", label: "30 days" },
            { value: "90d", label: "90 days" },
          ]}
        />
      </Narrowing>
      <Text size="sm" c="dimmed">
        An incident is ignored where somebody was told of it, and nobody acknowledged or snoozed it.
      </Text>
      <Shown of={stats}>
        {({ data }) =>
          data.length ? <Rows of={noiseOf(data)} /> : <Nothing title="Nobody was told anything" />
        }
      </Shown>
    </Page>
  );
}

function Rows({ of }: { of: RuleNoise[] }) {
  return (
    <Card withBorder padding={0}>
      <Listed
        label="Rules by what is ignored of them"
        rows={of}
        keyOf={(each) => each.rule}
        width={760}
        columns={[
          {
            name: "Rule",
            of: (each) => (
              <Going to="/alerts/rules" search={{ edit: each.rule }} size="sm" fw={550}>
                {each.rule}
              </Going>
            ),
          },
          { name: "Incidents told", isNumber: true, of: (each) => each.incidents },
          {
            name: "Ignored",
            isNumber: true,
            of: (each) =>
              each.incidents
                ? `${each.ignored} (${Math.round((each.ignored / each.incidents) * 100)} %)`
                : "–",
          },
          { name: "Notices sent", isNumber: true, of: (each) => each.sent },
          { name: "Failed", isNumber: true, of: (each) => each.failed },
          { name: "Not sent on purpose", isNumber: true, of: (each) => each.dropped },
          {
            name: "By channel",
            of: (each) =>
              each.channels.map(({ channel, sent }) => (
                <Text key={channel} size="sm" span mr="sm">
                  <Going to="/alerts/notices" search={{ channel }} size="sm">
                    {channel}
                  </Going>{" "}
                  {sent}
                </Text>
              )),
          },
          {
            name: "",
            isNumber: true,
            of: (each) => (
              <Going
                to="/alerts/silences"
                search={{ new: "yes", rules: each.rule, reason: `${each.rule} is noise` }}
                size="sm"
              >
                Silence it
              </Going>
            ),
          },
        ]}
      />
    </Card>
  );
}
