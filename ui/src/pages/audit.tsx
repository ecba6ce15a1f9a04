import { Anchor, Button, Group, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { told } from "../api";
import { base } from "../base";
import { auditList } from "../client/sdk.gen";
import type { EntryOut } from "../client/types.gen";
import { refusals } from "../parts/act";
import { changes } from "../parts/changes";
import { Listed } from "../parts/listed";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";
import { Moment } from "../parts/time";

const FILTERS = [
  ["actor", "Who", "ann"],
  ["action", "Action", "queue.pause"],
  ["subject_kind", "Kind of object", "queue"],
  ["subject", "Object", "billing"],
  ["q", "Text", "in any of them"],
  ["since", "Since", "2026-11-30T08:00Z"],
  ["until", "Until", "2026-11-30T12:00+01:00"],
] as const;
type Name = (typeof FILTERS)[number][0];
type Asked = Partial<Record<Name, string>>;

/** Who changed what, and from what into what. */
export function Audit() {
  const [sought, seek] = useSought();
  const asked: Asked = Object.fromEntries(
    FILTERS.map(([name]) => [name, sought[name]]).filter(([, value]) => value),
  );
  const list = useQuery({
    queryKey: ["audit", asked, sought.after],
    queryFn: () => told(auditList({ query: { ...asked, after: sought.after, limit: 50 } })),
    refetchInterval: sought.after ? false : 15_000,
  });
  const wrong = refusals(list.error);
  const isNamed = FILTERS.some(([name]) => wrong[name]);
  return (
    <Page title="Audit" actions={<Exports of={asked} />}>
      <Filters key={JSON.stringify(asked)} of={asked} wrong={wrong} seek={seek} />
      {!isNamed && (
        <Shown of={list}>
          {({ data, page }) => (
            <>
              {data.length ? (
                <Entries of={data} />
              ) : (
                <Nothing title={page.next ? "Nothing here fits" : "Nothing fits"}>
                  {page.next
                    ? "Older entries may; go on."
                    : Object.keys(asked).length
                      ? "No change is on record that fits."
                      : "Nobody has changed anything yet."}
                </Nothing>
              )}
              <Group justify="flex-end">
                <Button
                  variant="default"
                  size="xs"
                  disabled={!sought.after}
                  onClick={() => seek({ after: undefined })}
                >
                  Newest
                </Button>
                <Button
                  variant="default"
                  size="xs"
                  disabled={!page.next}
                  onClick={() => seek({ after: page.next ?? undefined })}
                >
                  Older
                </Button>
              </Group>
            </>
          )}
        </Shown>
      )}
    </Page>
  );
}

interface FiltersOf {
  of: Asked;
  wrong: Record<string, string>;
  seek: ReturnType<typeof useSought>[1];
}

function Filters({ of, wrong, seek }: FiltersOf) {
  const [typed, setTyped] = useState<Asked>(of);

  function submit(event: FormEvent): void {
    event.preventDefault();
    const all = FILTERS.map(([name]) => [name, typed[name]?.trim() || undefined]);
    seek({ ...Object.fromEntries(all), after: undefined });
  }

  return (
    <form onSubmit={submit} aria-label="Narrow the list">
      <Group gap="xs" align="flex-end">
        {FILTERS.map(([name, label, like]) => (
          <TextInput
            key={name}
            size="xs"
            w={138}
            label={label}
            placeholder={like}
            value={typed[name] ?? ""}
            error={wrong[name]}
            onChange={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
          />
        ))}
        <Button size="xs" type="submit">
          Narrow
        </Button>
        {Object.keys(of).length > 0 && (
          <Button
            size="xs"
            variant="default"
            onClick={() =>
              seek(Object.fromEntries([...FILTERS.map(([name]) => [name]), ["after"]]))
            }
          >
            Show all
          </Button>
        )}
      </Group>
    </form>
  );
}

function Exports({ of }: { of: Asked }) {
  const address = (format: string) => {
    const to = new URL("api/v1/audit/export", base);
    for (const [name, value] of Object.entries({ ...of, format })) to.searchParams.set(name, value);
    return to.href;
  };
  return (
    <>
      <Anchor href={address("csv")} download size="sm" underline="always">
        Export CSV
      </Anchor>
      <Anchor href={address("ndjson")} download size="sm" underline="always">
        Export NDJSON
      </Anchor>
    </>
  );
}

function Entries({ of }: { of: EntryOut[] }) {
  return (
    <Listed
      label="Changes"
      width={860}
      rows={of}
      keyOf={(each) => each.id}
      columns={[
        { name: "When", of: (each) => <Moment at={each.at} /> },
        {
          name: "Who",
          of: (each) => (
            <>
              <Text size="sm">{each.actor_name}</Text>
              <Text size="xs" c="dimmed">
                {each.actor_kind}
                {each.address ? ` from ${each.address}` : ""}
              </Text>
            </>
          ),
        },
        {
          name: "Action",
          of: (each) => (
            <>
              <Text size="sm">{each.action}</Text>
              {each.request && (
                <Text size="xs" c="dimmed">
                  request {each.request}
                </Text>
              )}
            </>
          ),
        },
        {
          name: "Object",
          of: (each) => (
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {each.subject_kind} {each.subject}
            </Text>
          ),
        },
        { name: "From what into what", of: (each) => <Change of={each} /> },
      ]}
    />
  );
}

function Change({ of }: { of: EntryOut }) {
  const found = changes(of.before, of.after);
  if (!found.length)
    return (
      <Text size="sm" c="dimmed">
        –
      </Text>
    );
  return (
    <dl style={{ margin: 0 }}>
      {found.map(({ name, before, after }) => (
        <Text key={name} component="div" size="sm" style={{ overflowWrap: "anywhere" }}>
          <Text component="dt" span size="xs" c="dimmed" mr={6}>
            {name}
          </Text>
          <dd style={{ display: "inline", margin: 0 }}>
            {of.before && before !== undefined && <del>{before}</del>}
            {of.before && before !== undefined && after !== undefined && " → "}
            {after}
          </dd>
        </Text>
      ))}
    </dl>
  );
}
