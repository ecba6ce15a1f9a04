import { Button, Group, Menu, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Bookmark, Share2, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { base } from "../base";
import { commandOf, curlOf, pairsOf } from "../parts/asking";
import { copy } from "../parts/copying";
import { sought, words } from "../parts/tokens";
import type { JobsSought } from "../router";

/** A list that is wanted again: what it is called, and the line that narrows it. */
interface View {
  name: string;
  line: string;
}

const VIEWS: View[] = [
  { name: "Running", line: "state:running" },
  { name: "Failed in 24 h", line: "state:failed ended-since:24h sort:last-ended" },
  {
    name: "Late: due and not begun for a minute",
    line: "state:pending,blocked until:1m sort:oldest",
  },
  { name: "Tries again", line: "state:retrying" },
  { name: "Ended last", line: "sort:last-ended" },
];

const KEPT = "onbeat.views";

function keptViews(): View[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found)
      ? found.filter((each) => typeof each?.name === "string" && typeof each?.line === "string")
      : [];
  } catch {
    return [];
  }
}

interface ViewsOf {
  search: JobsSought;
  seek: (to: JobsSought) => void;
}

/** Views that everybody has, and those that were saved in this browser. */
export function Views({ search, seek }: ViewsOf) {
  const [own, setOwn] = useState(keptViews);
  const [isNaming, { open, close }] = useDisclosure();
  const line = words(search);

  function keep(views: View[]): void {
    setOwn(views);
    localStorage.setItem(KEPT, JSON.stringify(views));
  }
  const go = (view: View) => seek(sought(view.line).search);

  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="xs" variant="default" leftSection={<Bookmark size={13} aria-hidden />}>
            Views
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {VIEWS.map((view) => (
            <Menu.Item key={view.name} onClick={() => go(view)}>
              {view.name}
            </Menu.Item>
          ))}
          {own.length > 0 && <Menu.Divider />}
          {own.length > 0 && <Menu.Label>Saved in this browser</Menu.Label>}
          {own.map((view) => (
            <Group key={view.name} gap={0} wrap="nowrap">
              <Menu.Item onClick={() => go(view)}>{view.name}</Menu.Item>
              <Menu.Item
                w="auto"
                aria-label={`Forget ${view.name}`}
                closeMenuOnClick={false}
                onClick={() => keep(own.filter((each) => each.name !== view.name))}
              >
                <Trash2 size={13} aria-hidden />
              </Menu.Item>
            </Group>
          ))}
          <Menu.Divider />
          <Menu.Item disabled={!line} onClick={open}>
            Save this filter…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Naming
        isOpen={isNaming}
        close={close}
        save={(name) => keep([...own.filter((each) => each.name !== name), { name, line }])}
      />
    </>
  );
}

interface NamingOf {
  isOpen: boolean;
  close: () => void;
  save: (name: string) => void;
}

function Naming({ isOpen, close, save }: NamingOf) {
  const [name, setName] = useState("");
  function submit(event: FormEvent): void {
    event.preventDefault();
    save(name.trim());
    setName("");
    close();
  }
  return (
    <Modal opened={isOpen} onClose={close} title="Save this filter" centered>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="What it is called"
            data-autofocus
            required
            maxLength={60}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button type="submit" size="xs" disabled={!name.trim()}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** The same list elsewhere: as a link, a command, a request, a file. */
export function Sharing({ search }: { search: JobsSought }) {
  const now = () => Date.now();
  const file = (format: string) =>
    `${base.href}api/v1/jobs/export?${new URLSearchParams([["format", format], ...pairsOf(search, now())])}`;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<Share2 size={13} aria-hidden />}>
          Share
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void copy(window.location.href)}>Copy the link</Menu.Item>
        <Menu.Item onClick={() => void copy(commandOf(search, now()))}>
          Copy as a command line
        </Menu.Item>
        <Menu.Item onClick={() => void copy(curlOf(search, now(), base.href))}>
          Copy as curl
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item component="a" href={file("csv")} download>
          Export as CSV
        </Menu.Item>
        <Menu.Item component="a" href={file("ndjson")} download>
          Export as NDJSON
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
