import {
  Button,
  Card,
  PasswordInput,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  Title,
  useMantineColorScheme,
} from "@mantine/core";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { mePassword } from "../client/sdk.gen";
import { refusals, useAct } from "../parts/act";
import { Facts } from "../parts/facts";
import { Going } from "../parts/going";
import { Page } from "../parts/page";
import { ALLOWS } from "../parts/permissions";
import { Wrong } from "../parts/shown";
import { nameOf, useZone, type Zone } from "../parts/time";
import { useMe, useSession } from "../session";

/** Oneself: what one may do, how things are shown, and one's password. */
export function You() {
  const me = useMe().data;
  if (!me) return null;
  return (
    <Page title="You">
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Stack>
          <Card withBorder component="section" aria-label="Who you are">
            <Facts
              cols={3}
              of={[
                ["Name", me.name],
                ["You see", me.owner === null ? "everybody's rows" : `rows of ${me.owner}`],
                ["Environment", me.environment ?? "none"],
              ]}
            />
            <Text size="sm" mt="sm">
              <Going to="/tokens" size="sm">
                Your tokens
              </Going>
            </Text>
          </Card>
          <Look />
          <Password />
        </Stack>
        <Card withBorder component="section" aria-label="What you may do">
          <Title order={2} size="h5" mb="xs">
            What you may do
          </Title>
          {me.permissions.map((each) => (
            <Text key={each} size="sm">
              <span className="mono">{each}</span>{" "}
              <Text span c="dimmed" size="sm">
                {ALLOWS[each]}
              </Text>
            </Text>
          ))}
        </Card>
      </SimpleGrid>
    </Page>
  );
}

function Look() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [zone, choose] = useZone();
  return (
    <Card withBorder component="section" aria-label="How things are shown">
      <Stack gap="xs">
        <Text size="sm" id="theme">
          Theme
        </Text>
        <SegmentedControl
          size="xs"
          aria-labelledby="theme"
          value={colorScheme}
          onChange={(to) => setColorScheme(to as typeof colorScheme)}
          data={[
            { value: "auto", label: "As the system" },
            { value: "light", label: "Light" },
            { value: "dark", label: "Dark" },
          ]}
        />
        <Text size="sm" id="zone">
          Zone of moments
        </Text>
        <SegmentedControl
          size="xs"
          aria-labelledby="zone"
          value={zone}
          onChange={(to) => choose(to as Zone)}
          data={[
            { value: "mine", label: `Mine: ${nameOf("mine")}` },
            { value: "UTC", label: "UTC" },
          ]}
        />
      </Stack>
    </Card>
  );
}

function Password() {
  const { taken } = useSession();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [differ, setDiffer] = useState(false);
  const save = useAct({
    does: () => told(mePassword({ body: { current, password } })),
    done: "Your password is changed; you are signed out everywhere else.",
    reads: [],
    after: (me) => {
      taken(me);
      for (const clear of [setCurrent, setPassword, setAgain]) clear("");
    },
    isShown: true,
  });
  const wrong = refusals(save.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    setDiffer(password !== again);
    if (password === again) save.mutate();
  }

  return (
    <Card withBorder component="section" aria-label="Your password">
      <form onSubmit={submit}>
        <Stack gap="xs">
          <Title order={2} size="h5">
            Another password
          </Title>
          {save.error && !wrong.current && !wrong.password && <Wrong error={save.error} />}
          <PasswordInput
            label="The one you have"
            required
            autoComplete="current-password"
            value={current}
            error={wrong.current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            label="The new one"
            description="12 characters or more; length is what counts."
            required
            autoComplete="new-password"
            value={password}
            error={wrong.password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <PasswordInput
            label="The new one once more"
            required
            autoComplete="new-password"
            value={again}
            error={differ && "The two are not the same; type both again."}
            onChange={(event) => setAgain(event.currentTarget.value)}
          />
          <Button type="submit" size="xs" loading={save.isPending} style={{ alignSelf: "start" }}>
            Change it
          </Button>
        </Stack>
      </form>
    </Card>
  );
}
