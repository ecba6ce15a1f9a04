import {
  Alert,
  Anchor,
  Button,
  Center,
  Code,
  Group,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { told } from "../api";
import { base } from "../base";
import { setUpState } from "../client/sdk.gen";
import { Wrong } from "../parts/shown";
import { hasEnded, useSession } from "../session";

/** Name and password; and what to do where nobody has any yet. */
export function SignIn() {
  const first = useQuery({ queryKey: ["setup"], queryFn: () => told(setUpState()) });
  const [wasIn] = useState(hasEnded);
  useEffect(() => {
    document.title = "Sign in · Onbeat";
  }, []);
  return (
    <Center mih="100vh" component="main" p="md">
      <Paper withBorder p="xl" w={360} maw="100%">
        <Stack>
          <Group gap="xs">
            <img src={new URL("icon.svg", base).href} alt="" width={26} height={26} />
            <Title order={1} size="h3">
              Onbeat
            </Title>
          </Group>
          {wasIn && (
            <Alert color="yellow" role="status">
              Your sign-in is over. Sign in again, and go on where you were.
            </Alert>
          )}
          {first.data?.needed ? <FirstStart /> : <Fields />}
          <Text size="xs" c="dimmed">
            <Anchor href={new URL("lite", base).href} size="xs" underline="always">
              Without JavaScript
            </Anchor>{" "}
            ·{" "}
            <Anchor href={new URL("api/v1/reference", base).href} size="xs" underline="always">
              The API
            </Anchor>
          </Text>
        </Stack>
      </Paper>
    </Center>
  );
}

function FirstStart() {
  return (
    <Stack gap="xs">
      <Text size="sm">Nobody can sign in yet. Make the first admin:</Text>
      <Text size="sm">
        Open the link that the start of Onbeat printed. It holds for 24 hours; a new start prints
        another.
      </Text>
      <Text size="sm">Or on the server:</Text>
      <Code block>onbeat users create NAME --role admin --password</Code>
      <Button variant="default" onClick={() => location.reload()}>
        I have done it
      </Button>
    </Stack>
  );
}

function Fields() {
  const { enter } = useSession();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await enter(name, password);
    } catch (wrong) {
      setError(wrong as Error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        {error && <Wrong error={error} />}
        <TextInput
          label="Name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" loading={isBusy}>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}
