import {
  Badge,
  Checkbox,
  Group,
  NativeSelect,
  PasswordInput,
  Text,
  TextInput,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { told } from "../api";
import { usersChange, usersCreate, usersList, usersRemove } from "../client/sdk.gen";
import type { Permission, Role, UserOut } from "../client/types.gen";
import { Act, refusals, useAct } from "../parts/act";
import { Form } from "../parts/form";
import { Listed } from "../parts/listed";
import { Turning } from "../parts/narrowing";
import { Opening } from "../parts/opening";
import { Page } from "../parts/page";
import { password } from "../parts/password";
import { ALLOWS, Permissions } from "../parts/permissions";
import { Secret } from "../parts/secret";
import { Nothing, Shown } from "../parts/shown";
import { useSought } from "../parts/sought";
import { Moment } from "../parts/time";

const ROLES: Record<Role, string> = {
  viewer: "viewer: sees all but arguments and logs, changes nothing",
  operator: "operator: runs the place; no users, tokens of others, audit",
  admin: "admin: may do all",
  owner: "owner: all there is to do with rows of their own, and sees no others",
};

/** Who may sign in, and what they may do. */
export function Users() {
  const [{ after }] = useSought();
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const list = useQuery({
    queryKey: ["users", after],
    queryFn: () => told(usersList({ query: { after, limit: 100 } })),
  });
  return (
    <Page
      title="Users"
      actions={
        <Opening name="Add a user" needs="users:manage" isFirst onClick={() => setMaking(true)} />
      }
    >
      {isMaking && <NewUser close={() => setMaking(false)} show={setSecret} />}
      <Secret
        text={secret}
        title="Password"
        about="Hand it over by a way that is safe. It is shown now, and never again."
        close={() => setSecret(null)}
      />
      <Shown of={list}>
        {({ data, page }) => (
          <>
            {data.length ? (
              <Rows of={data} show={setSecret} />
            ) : (
              <Nothing title="Nobody is here">Add somebody.</Nothing>
            )}
            <Turning next={page.next ?? null} words={["First", "More"]} />
          </>
        )}
      </Shown>
    </Page>
  );
}

type Show = (secret: string | null) => void;

function Rows({ of, show }: { of: UserOut[]; show: Show }) {
  return (
    <Listed
      label="Users"
      width={820}
      rows={of}
      keyOf={(each) => each.name}
      columns={[
        {
          name: "Name",
          of: (each) => (
            <Group gap="xs">
              <Text size="sm" fw={550}>
                {each.name}
              </Text>
              {each.disabled_at && (
                <Badge color="gray" variant="light" radius="sm" tt="none">
                  disabled
                </Badge>
              )}
            </Group>
          ),
        },
        {
          name: "Role",
          of: (each) => (
            <>
              <Text size="sm">{each.role}</Text>
              {each.grants.length > 0 && (
                <Text size="xs" c="dimmed">
                  and {each.grants.join(", ")}
                </Text>
              )}
            </>
          ),
        },
        { name: "Signed in", isNumber: true, of: (each) => <Moment at={each.signed_in_at} /> },
        {
          name: "Added",
          isNumber: true,
          of: (each) => (
            <>
              <Moment at={each.created_at} /> by {each.created_by}
            </>
          ),
        },
        { name: "Do", isNumber: true, of: (each) => <Acts of={each} show={show} /> },
      ]}
    />
  );
}

function Acts({ of, show }: { of: UserOut; show: Show }) {
  const [isOpen, setOpen] = useState(false);
  const path = { name: of.name };
  const disabled = !of.disabled_at;
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      <Opening
        name="Change"
        label={`Change ${of.name}`}
        needs="users:manage"
        size="compact-xs"
        onClick={() => setOpen(true)}
      />
      <Act
        name={disabled ? "Disable" : "Enable"}
        needs="users:manage"
        size="compact-xs"
        asks={
          disabled &&
          `${of.name} is signed out everywhere, and can sign in no more until enabled again.`
        }
        done={`${of.name} is ${disabled ? "disabled" : "enabled"}.`}
        reads={["users"]}
        does={() => told(usersChange({ path, body: { disabled } }))}
      />
      <Act
        name="Remove"
        needs="users:manage"
        size="compact-xs"
        color="red"
        asks={`${of.name} is removed with all tokens and sign-ins. What they did stays on record.`}
        done={`${of.name} is removed.`}
        reads={["users"]}
        does={() => told(usersRemove({ path }))}
      />
      {isOpen && <ChangeUser of={of} close={() => setOpen(false)} show={show} />}
    </Group>
  );
}

interface Rights {
  role: Role;
  grants: Permission[];
}

interface RightsOf {
  of: Rights;
  set: (to: Rights) => void;
  wrong: Record<string, string>;
}

function RightsFields({ of, set, wrong }: RightsOf) {
  return (
    <>
      <NativeSelect
        label="Role"
        value={of.role}
        error={wrong.role}
        data={Object.entries(ROLES).map(([value, label]) => ({ value, label }))}
        onChange={(event) => set({ ...of, role: event.currentTarget.value as Role })}
      />
      <Permissions
        label="Besides what the role allows"
        of={Object.keys(ALLOWS) as Permission[]}
        chosen={of.grants}
        choose={(grants) => set({ ...of, grants })}
        error={wrong.grants}
      />
    </>
  );
}

function NewUser({ close, show }: { close: () => void; show: Show }) {
  const [name, setName] = useState("");
  const [rights, setRights] = useState<Rights>({ role: "viewer", grants: [] });
  const [typed, setTyped] = useState("");
  const [isMade, setMade] = useState(false);
  const save = useAct({
    does: async () => {
      const made = isMade ? password() : typed;
      await told(usersCreate({ body: { name, ...rights, password: made || null } }));
      return isMade ? made : null;
    },
    done: `${name} is added.`,
    reads: ["users"],
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
      title="Add a user"
      name="Add"
      save={save}
      submit={() => save.mutate()}
      fields={["name", "role", "grants", "password"]}
    >
      <TextInput
        label="Name"
        description="To sign in with; no spaces."
        required
        autoComplete="off"
        value={name}
        error={wrong.name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <PasswordFields {...{ typed, setTyped, isMade, setMade }} error={wrong.password} />
      <RightsFields of={rights} set={setRights} wrong={wrong} />
    </Form>
  );
}

interface PasswordFieldsOf {
  typed: string;
  setTyped: (to: string) => void;
  isMade: boolean;
  setMade: (to: boolean) => void;
  error?: string;
}

function PasswordFields({ typed, setTyped, isMade, setMade, error }: PasswordFieldsOf) {
  return (
    <>
      <PasswordInput
        label="Password"
        description="12 characters or more; without one they cannot sign in yet."
        autoComplete="new-password"
        disabled={isMade}
        value={isMade ? "" : typed}
        error={error}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <Checkbox
        size="xs"
        label="Make one, and show it once"
        checked={isMade}
        onChange={(event) => setMade(event.currentTarget.checked)}
      />
    </>
  );
}

function ChangeUser({ of, close, show }: { of: UserOut; close: () => void; show: Show }) {
  const [rights, setRights] = useState<Rights>({ role: of.role, grants: of.grants });
  const [typed, setTyped] = useState("");
  const [isMade, setMade] = useState(false);
  const save = useAct({
    does: async () => {
      const made = isMade ? password() : typed;
      const body = { ...rights, password: made || null };
      await told(usersChange({ path: { name: of.name }, body }));
      return isMade ? made : null;
    },
    done: `${of.name} is changed.`,
    reads: ["users"],
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
      title={`Change ${of.name}`}
      name="Save"
      save={save}
      submit={() => save.mutate()}
      fields={["role", "grants", "password"]}
    >
      <PasswordFields {...{ typed, setTyped, isMade, setMade }} error={wrong.password} />
      <Text size="xs" c="dimmed">
        A new password signs {of.name} out everywhere; left empty, it stays.
      </Text>
      <RightsFields of={rights} set={setRights} wrong={wrong} />
    </Form>
  );
}
