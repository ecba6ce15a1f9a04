import "@mantine/core/styles/Checkbox.css";
import { Badge, Checkbox, Group, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { told } from "../api";
import {
  webhooksChange,
  webhooksCreate,
  webhooksDeliveries,
  webhooksList,
  webhooksPing,
  webhooksRemove,
  webhooksResend,
  webhooksRotateSecret,
} from "../client/sdk.gen";
import type { DeliveryOut, EventType, WebhookMade, WebhookOut } from "../client/types.gen";
import { Act, refusals, useAct } from "../parts/act";
import { Form } from "../parts/form";
import { Going } from "../parts/going";
import { Listed } from "../parts/listed";
import { Turning } from "../parts/narrowing";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { Secret } from "../parts/secret";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";
import { lasting, Moment } from "../parts/time";
import { Unfold } from "../parts/unfold";
import { useMe } from "../session";

const EVENTS: EventType[] = ["job.completed", "job.failed", "job.cancelled"];

/** Where owners of jobs hear of their ends. */
export function Webhooks() {
  const [{ webhook, after }] = useSought();
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const show = (made: WebhookMade) => setSecret(made.secret);
  const list = useQuery({
    queryKey: ["webhooks", after],
    queryFn: () => told(webhooksList({ query: { after, limit: 100 } })),
    refetchInterval: 15_000,
  });
  return (
    <Page
      title="Webhooks"
      actions={
        <Opening
          name="Make a webhook"
          needs="webhooks:write"
          isFirst
          onClick={() => setMaking(true)}
        />
      }
    >
      {isMaking && <NewWebhook close={() => setMaking(false)} show={show} />}
      <Secret
        text={secret}
        title="Secret"
        about="Its receiver checks with it that messages are ours. It is shown now, and never again."
        close={() => setSecret(null)}
      />
      <Shown of={list}>
        {({ data, page }) => (
          <>
            {data.length ? (
              <Rows of={data} show={show} />
            ) : (
              <Nothing title="There is no webhook">
                Make one, and an address of yours hears of the ends of an owner's jobs.
              </Nothing>
            )}
            <Turning next={page.next ?? null} words={["First", "More"]} />
          </>
        )}
      </Shown>
      {webhook && <Deliveries key={webhook} webhook={webhook} />}
    </Page>
  );
}

type Show = (made: WebhookMade) => void;

function Rows({ of, show }: { of: WebhookOut[]; show: Show }) {
  const [{ webhook }, seek] = useSought();
  return (
    <Listed
      label="Webhooks"
      width={960}
      rows={of}
      keyOf={(each) => each.id}
      columns={[
        {
          name: "Address",
          of: (each) => (
            <Unfold
              name={each.url}
              isShown={each.id === webhook}
              toggle={() => seek({ webhook: each.id === webhook ? undefined : each.id })}
            />
          ),
        },
        { name: "Whose jobs", of: (each) => each.owner },
        {
          name: "Hears of",
          of: (each) =>
            each.events.length && each.events.length < EVENTS.length
              ? each.events.map((event) => event.replace("job.", "")).join(", ")
              : "all ends",
        },
        { name: "State", of: (each) => <State of={each} /> },
        { name: "Made", isNumber: true, of: (each) => <Moment at={each.created_at} /> },
        { name: "Do", isNumber: true, of: (each) => <Acts of={each} show={show} /> },
      ]}
    />
  );
}

function State({ of }: { of: WebhookOut }) {
  return (
    <>
      <Badge color={of.enabled ? "green" : "gray"} variant="light" radius="sm" tt="none">
        {of.enabled ? "on" : "off"}
      </Badge>
      {of.disabled_why && (
        <Text size="xs" c="dimmed">
          {of.disabled_why}, <Moment at={of.disabled_at} />
        </Text>
      )}
    </>
  );
}

function Acts({ of, show }: { of: WebhookOut; show: Show }) {
  const [isOpen, setOpen] = useState(false);
  const path = { webhook: of.id };
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      <Act
        name="Ping"
        needs="webhooks:write"
        size="compact-xs"
        off={!of.enabled && "It is off, and hears nothing."}
        done="A ping is on its way; deliveries show whether it arrived."
        reads={["webhooks", "deliveries"]}
        does={() => told(webhooksPing({ path }))}
      />
      <Opening
        name="Change"
        label={`Change ${of.url}`}
        needs="webhooks:write"
        size="compact-xs"
        onClick={() => setOpen(true)}
      />
      <Act
        name={of.enabled ? "Turn off" : "Turn on"}
        needs="webhooks:write"
        size="compact-xs"
        asks={of.enabled && `${of.url} hears nothing more; what was to be sent is called off.`}
        reads={["webhooks"]}
        does={() => told(webhooksChange({ path, body: { enabled: !of.enabled } }))}
      />
      <Act
        name="New secret"
        needs="webhooks:write"
        size="compact-xs"
        asks={`${of.url} gets another secret, which is shown once; for 24 hours messages are signed with both.`}
        reads={["webhooks"]}
        does={() => told(webhooksRotateSecret({ path, body: {} }))}
        after={(made) => show(made as WebhookMade)}
      />
      <Act
        name="Remove"
        needs="webhooks:write"
        size="compact-xs"
        color="red"
        asks={`${of.url} is taken away with the record of its deliveries.`}
        done="The webhook is removed."
        reads={["webhooks"]}
        does={() => told(webhooksRemove({ path }))}
      />
      {isOpen && <ChangeWebhook of={of} close={() => setOpen(false)} />}
    </Group>
  );
}

interface FieldsOf {
  url: string;
  setUrl: (to: string) => void;
  events: EventType[];
  setEvents: (to: EventType[]) => void;
  wrong: Record<string, string>;
}

function Fields({ url, setUrl, events, setEvents, wrong }: FieldsOf) {
  return (
    <>
      <TextInput
        label="Address"
        description="https:// and an address that is reached from the server"
        required
        placeholder="https://hooks.example/onbeat"
        value={url}
        error={wrong.url}
        onChange={(event) => setUrl(event.currentTarget.value)}
      />
      <Checkbox.Group
        label="Of which ends it hears; none chosen: of all"
        value={events}
        error={wrong.events}
        onChange={(to) => setEvents(to as EventType[])}
      >
        <Group mt={4}>
          {EVENTS.map((each) => (
            <Checkbox key={each} size="xs" value={each} label={each} />
          ))}
        </Group>
      </Checkbox.Group>
    </>
  );
}

function NewWebhook({ close, show }: { close: () => void; show: Show }) {
  const isOwner = useMe().data?.owner !== null;
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<EventType[]>([]);
  const [owner, setOwner] = useState("");
  const save = useAct({
    does: () => told(webhooksCreate({ body: { url, events, owner: owner || null } })),
    reads: ["webhooks"],
    after: (made) => {
      close();
      show(made);
    },
    isShown: true,
  });
  const wrong = refusals(save.error);
  return (
    <Form
      isOpen
      close={close}
      title="Make a webhook"
      name="Make it"
      save={save}
      submit={() => save.mutate()}
      fields={["url", "events", ...(isOwner ? [] : ["owner"])]}
    >
      <Fields {...{ url, setUrl, events, setEvents, wrong }} />
      {!isOwner && (
        <TextInput
          label="Whose jobs"
          description="The owner whose jobs it hears of."
          required
          autoComplete="off"
          value={owner}
          error={wrong.owner}
          onChange={(event) => setOwner(event.currentTarget.value)}
        />
      )}
    </Form>
  );
}

function ChangeWebhook({ of, close }: { of: WebhookOut; close: () => void }) {
  const [url, setUrl] = useState(of.url);
  const [events, setEvents] = useState<EventType[]>(of.events);
  const save = useAct({
    does: () => told(webhooksChange({ path: { webhook: of.id }, body: { url, events } })),
    done: "The webhook is changed.",
    reads: ["webhooks"],
    after: close,
    isShown: true,
  });
  return (
    <Form
      isOpen
      close={close}
      title="Change the webhook"
      name="Save"
      save={save}
      submit={() => save.mutate()}
      fields={["url", "events"]}
    >
      <Fields {...{ url, setUrl, events, setEvents }} wrong={refusals(save.error)} />
    </Form>
  );
}

function Deliveries({ webhook }: { webhook: string }) {
  const list = useQuery({
    queryKey: ["deliveries", webhook],
    queryFn: () => told(webhooksDeliveries({ path: { webhook }, query: { limit: 50 } })),
    refetchInterval: 3_000,
  });
  return (
    <section aria-label="Deliveries">
      <Text fw={600} size="sm">
        Deliveries, the newest first
      </Text>
      <Shown of={list}>
        {({ data, page }) =>
          data.length ? (
            <>
              <Listed
                label="Deliveries"
                width={760}
                rows={data}
                keyOf={(each) => each.id}
                columns={[
                  { name: "When", of: (each) => <Moment at={each.at} /> },
                  { name: "What came", of: (each) => <Came of={each} /> },
                  {
                    name: "Message",
                    of: (each) => (
                      <Text size="xs" className="mono">
                        {each.message}
                      </Text>
                    ),
                  },
                  { name: "Attempt", isNumber: true, of: (each) => each.attempt },
                  {
                    name: "Took",
                    isNumber: true,
                    of: (each) =>
                      each.latency_seconds === null ? "–" : lasting(each.latency_seconds),
                  },
                  {
                    name: "Job",
                    of: (each) => (
                      <Going to="/jobs/$job" params={{ job: each.job }} size="sm">
                        its job
                      </Going>
                    ),
                  },
                  {
                    name: "Do",
                    isNumber: true,
                    of: (each) => (
                      <Act
                        name="Send again"
                        needs="webhooks:write"
                        size="compact-xs"
                        done="It is on its way, under the same id."
                        reads={["deliveries"]}
                        does={() => told(webhooksResend({ path: { webhook, delivery: each.id } }))}
                      />
                    ),
                  },
                ]}
              />
              {page.next && (
                <Text size="xs" c="dimmed">
                  Older ones are told by the API.
                </Text>
              )}
            </>
          ) : (
            <Text size="sm" c="dimmed">
              Nothing was sent to it yet; Ping sends something.
            </Text>
          )
        }
      </Shown>
    </section>
  );
}

function Came({ of }: { of: DeliveryOut }) {
  return (
    <>
      <Badge color={of.error ? "red" : "green"} variant="light" radius="sm" tt="none">
        {of.status ?? "nothing"}
        {of.error ? "" : " delivered"}
      </Badge>
      {(of.error || of.answer) && (
        <Text size="xs" className="clip" title={of.answer ?? undefined}>
          {of.error ?? of.answer}
        </Text>
      )}
    </>
  );
}
