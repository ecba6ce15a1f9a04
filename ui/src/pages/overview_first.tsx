import { Code, Stack, Text } from "@mantine/core";
import { base } from "../base";
import { Copy } from "../parts/copying";
import { Part } from "../parts/part";

const CODE = `from onbeat import Onbeat, every

ob = Onbeat()


@ob.schedule(every("1h"))
@ob.task
async def report() -> None: ...`;
const SHELL = `onbeat up --app app:ob
onbeat jobs enqueue report --app app:ob
onbeat schedules ls`;

/** Where there is nothing yet: how a first job is made. */
export function First() {
  const curl = `curl ${new URL("api/v1/jobs", base).href} \\
  -H "Authorization: Bearer $ONBEAT_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{"task": "report"}'`;
  return (
    <Stack gap="sm">
      <Text>Nothing was asked for yet. A first job is made in one of three ways.</Text>
      <Block title="In Python" text={CODE} />
      <Block title="By a command" text={SHELL} />
      <Block title="Over HTTP, with a token" text={curl} />
    </Stack>
  );
}

function Block({ title, text }: { title: string; text: string }) {
  return (
    <Part title={title} beside={<Copy text={text} name={`Copy: ${title}`} />}>
      <Code block tabIndex={0}>
        {text}
      </Code>
    </Part>
  );
}
