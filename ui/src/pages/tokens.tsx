import { Badge, Button, Checkbox, NativeSelect, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { told } from "../api";
import { tokensCreate, tokensList, tokensRevoke } from "../client/sdk.gen";
import type { Permission, TokenOut } from "../client/types.gen";
import { Act, refusals, useAct } from "../parts/act";
import { Form } from "../parts/form";
import { Listed } from "../parts/listed";
import { Turning } from "../parts/narrowing";
import { Page } from "../parts/page";
import { Permissions } from "../parts/permissions";
import { Secret } from "../parts/secret";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";
import { Tabbed } from "../parts/tabbed";
import { Moment, useNow } from "../parts/time";
import { useMay, useMe } from "../session";

/** What programs come in with. */
export function Tokens() {
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const seesAll = useMay("users:manage");
  return (
    <Page
      title="Tokens"
      actions={
        <Button size="xs" onClick={() => setMaking(true)}>
          Make a token
        </Button>
      }
    >
      {isMaking && <NewToken close={() => setMaking(false)} show={setSecret} />}
      <Secret
        text={secret}
        title="Token"
        about="It is shown now, and never again. Send it as Authorization: Bearer TOKEN."
        close={() => setSecret(null)}
      />
      {seesAll ? (
        <Tabbed
          of="whose"
          label="Whose tokens"
          tabs={[
            { value: "mine", name: "Mine", shows: () => <All key="mine" everybody={false} /> },
            { value: "all", name: "Everybody's", shows: () => <All key="all" everybody /> },
          ]}
        />
      ) : (
        <All everybody={false} />
      )}
    </Page>
  );
}

function All({ everybody }: { everybody: boolean }) {
  const [{ after }] = useSought();
  const list = useQuery({
    queryKey: ["tokens", everybody, after],
    queryFn: () => told(tokensList({ query: { everybody, after, limit: 100 } })),
  });
  return (
    <Shown of={list}>
      {({ data, page }) => (
        <>
          {data.length ? (
            <Rows of={data} everybody={everybody} />
          ) : (
            <Nothing title="There is no token">Make one for a program that asks the API.</Nothing>
          )}
          <Turning next={page.next ?? null} words={["First", "More"]} />
        </>
      )}
    </Shown>
  );
}

function Rows({ of, everybody }: { of: TokenOut[]; everybody: boolean }) {
  return (
    <Listed
      label="Tokens"
      width={900}
      rows={of}
      keyOf={(each) => each.id}
      columns={[
        {
          name: "Token",
          of: (each) => (
            <>
              <Text size="sm" fw={550}>
                {each.name}
              </Text>
              <Text size="xs" c="dimmed" className="mono">
                {each.shown}…
              </Text>
            </>
          ),
        },
        ...(everybody
          ? [{ name: "Whose", of: (each: TokenOut) => each.user ?? "a service's own" }]
          : []),
        {
          name: "Allows",
          of: (each) => (
            <Text size="xs">
              {each.scopes.join(", ")}
              {each.owner ? ` (rows of ${each.owner} alone)` : ""}
            </Text>
          ),
        },
        {
          name: "Made",
          isNumber: true,
          of: (each) => (
            <>
              <Moment at={each.created_at} /> by {each.created_by}
            </>
          ),
        },
        {
          name: "Used",
          isNumber: true,
          of: (each) => (each.used_at ? <Moment at={each.used_at} /> : "never"),
        },
        { name: "Good until", isNumber: true, of: (each) => <Until of={each} /> },
        {
          name: "Do",
          isNumber: true,
          of: (each) => (
            <Act
              name="Revoke"
              size="compact-xs"
              color="red"
              off={each.revoked_at !== null && "It is revoked."}
              asks={`Whoever comes with ${each.name} (${each.shown}…) is refused from now on.`}
              done={`${each.name} is revoked.`}
              reads={["tokens"]}
              does={() => told(tokensRevoke({ path: { token: each.id } }))}
            />
          ),
        },
      ]}
    />
  );
}

function Until({ of }: { of: TokenOut }) {
  const now = useNow();
  if (of.revoked_at)
    return (
      <Badge color="gray" variant="light" radius="sm" tt="none">
        revoked
      </Badge>
    );
  if (!of.expires_at) return "revoked";
  if (Date.parse(of.expires_at) < now)
    return (
      <Badge color="gray" variant="light" radius="sm" tt="none">
        expired
      </Badge>
    );
  return <Moment at={of.expires_at} />;
}

const FOR = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "a year" },
  { value: "", label: "until it is revoked" },
];

function NewToken({ close, show }: { close: () => void; show: (secret: string) => void }) {
  const me = useMe().data;
  const mayService = useMay("users:manage");
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Permission[]>([]);
  const [days, setDays] = useState("90");
  const [service, setService] = useState(false);
  const [owner, setOwner] = useState("");
  const save = useAct({
    does: () =>
      told(
        tokensCreate({
          body: {
            name,
            scopes,
            service,
            owner: owner || null,
            expires_in_days: days ? Number(days) : null,
          },
        }),
      ),
    reads: ["tokens"],
    after: (made) => {
      close();
      show(made.token);
    },
    isShown: true,
  });
  const wrong = refusals(save.error);
  return (
    <Form
      isOpen
      close={close}
      title="Make a token"
      name="Make it"
      save={save}
      submit={() => save.mutate()}
      fields={["name", "scopes", "owner", "expires_in_days"]}
    >
      <TextInput
        label="What it is for"
        required
        placeholder="ci"
        autoComplete="off"
        value={name}
        error={wrong.name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Permissions
        label="What it allows; no more than you may"
        of={me?.permissions ?? []}
        chosen={scopes}
        choose={setScopes}
        error={wrong.scopes}
      />
      <NativeSelect
        label="Good for"
        value={days}
        data={FOR}
        error={wrong.expires_in_days}
        onChange={(event) => setDays(event.currentTarget.value)}
      />
      {me?.owner === null && (
        <TextInput
          label="Owner"
          description="Whose rows alone it sees; empty: everybody's."
          autoComplete="off"
          value={owner}
          error={wrong.owner}
          onChange={(event) => setOwner(event.currentTarget.value)}
        />
      )}
      <Checkbox
        size="xs"
        label={
          mayService
            ? "A service's own: it stays when you are removed"
            : "A service's own: you lack users:manage"
        }
        disabled={!mayService}
        checked={service}
        onChange={(event) => setService(event.currentTarget.checked)}
      />
    </Form>
  );
}
