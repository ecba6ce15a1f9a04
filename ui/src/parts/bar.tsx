import {
  ActionIcon,
  Button,
  Group,
  Menu,
  SegmentedControl,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, useNavigate } from "@tanstack/react-router";
import { CircleQuestionMark, CircleUser, Moon, Pause, Play, Search, Sun } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useReducer } from "react";
import type { Me } from "../client/types.gen";
import { type Live, useStanding } from "../live";
import type { Place } from "../places";
import { useSession } from "../session";
import { type Keys, toFilter, toRow, useKeys } from "./keys";
import { nameOf, otherZone, useZone, type Zone } from "./time";

const Sheet = lazy(async () => ({ default: (await import("./sheet")).Sheet }));
const Palette = lazy(async () => ({ default: (await import("./palette")).Palette }));

interface BarOf {
  me: Me;
  live: Live;
  places: Place[];
}

/** What can be done on every page: go anywhere, pause, another zone, another look, sign out. */
export function Bar({ me, live, places }: BarOf) {
  const [isAsked, { open, close }] = useDisclosure();
  const { toggleColorScheme } = useMantineColorScheme();
  const { leave } = useSession();
  const navigate = useNavigate();
  const keys = useMemo<Keys>(
    () => ({
      ...Object.fromEntries(
        places
          .filter((each) => each.key)
          .map(({ key, to }) => [`g ${key}`, () => void navigate({ to })]),
      ),
      "/": toFilter,
      j: () => toRow(1),
      k: () => toRow(-1),
      p: () => live.toggle(),
      z: otherZone,
      t: toggleColorScheme,
      "?": open,
    }),
    [places, navigate, live, toggleColorScheme, open],
  );
  useKeys(keys);
  return (
    <Group gap="xs" wrap="nowrap">
      <Anywhere
        places={places}
        acts={{
          "New schedule": () => void navigate({ to: "/new/schedule" }),
          "Pause live updates, or go on": () => live.toggle(),
          "Dark or light": toggleColorScheme,
          "The other zone": otherZone,
          "Which key does what": open,
          "Sign out": () => void leave(),
        }}
      />
      <LiveState live={live} />
      <ZoneSwitch />
      <SchemeSwitch />
      <ActionIcon
        variant="default"
        visibleFrom="sm"
        onClick={open}
        aria-label="Keys"
        data-hint="Which key does what"
      >
        <CircleQuestionMark size={15} />
      </ActionIcon>
      <Person me={me} />
      {isAsked && (
        <Suspense fallback={null}>
          <Sheet isOpen={isAsked} close={close} places={places} />
        </Suspense>
      )}
    </Group>
  );
}

interface AnywhereOf {
  places: Place[];
  acts: Record<string, () => void>;
}

/** The palette; it is loaded when it is first asked for. */
function Anywhere({ places, acts }: AnywhereOf) {
  const [asked, ask] = useReducer((count: number) => count + 1, 0);

  useEffect(() => {
    function heard(event: KeyboardEvent): void {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
      event.preventDefault(); // which the browser would take for its own line
      ask();
    }
    document.addEventListener("keydown", heard);
    return () => document.removeEventListener("keydown", heard);
  }, []);

  return (
    <>
      <ActionIcon
        variant="default"
        onClick={ask}
        aria-label="Go anywhere"
        data-hint="Go anywhere (Ctrl K)"
      >
        <Search size={15} />
      </ActionIcon>
      {asked > 0 && (
        <Suspense fallback={null}>
          <Palette places={places} acts={acts} asked={asked} />
        </Suspense>
      )}
    </>
  );
}

const SAYS = {
  live: "Live",
  connecting: "Connecting",
  paused: "Paused",
  lost: "Reconnecting",
} as const;
const COLORS = { live: "green", connecting: "gray", paused: "yellow", lost: "red" } as const;

function LiveState({ live }: { live: Live }) {
  const standing = useStanding(live);
  const isPaused = standing === "paused";
  return (
    <Button
      size="compact-xs"
      variant="light"
      color={COLORS[standing]}
      onClick={() => live.toggle()}
      leftSection={isPaused ? <Play size={12} aria-hidden /> : <Pause size={12} aria-hidden />}
      aria-label={isPaused ? "Go on with live updates" : "Pause live updates"}
    >
      {SAYS[standing]}
    </Button>
  );
}

function ZoneSwitch() {
  const [zone, choose] = useZone();
  if (nameOf("mine") === "UTC") return <Text size="xs">UTC</Text>;
  return (
    <SegmentedControl
      size="xs"
      visibleFrom="sm"
      value={zone}
      onChange={(to) => choose(to as Zone)}
      aria-label="Zone of moments"
      data={[
        { value: "mine", label: nameOf("mine") },
        { value: "UTC", label: "UTC" },
      ]}
    />
  );
}

function SchemeSwitch() {
  const { toggleColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme();
  return (
    <ActionIcon
      variant="default"
      visibleFrom="sm"
      onClick={toggleColorScheme}
      aria-label="Dark or light"
      data-hint="Dark or light"
    >
      {shown === "dark" ? <Sun size={15} /> : <Moon size={15} />}
    </ActionIcon>
  );
}

/** Who is signed in; on a small screen also what there is no room for beside it. */
function Person({ me }: { me: Me }) {
  const { leave } = useSession();
  const { toggleColorScheme } = useMantineColorScheme();
  const [zone] = useZone();
  const mine = nameOf("mine");
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" size="compact-sm" aria-label={me.name} maw="12rem">
          <CircleUser size={15} aria-hidden style={{ flexShrink: 0 }} />
          <Text span inherit truncate ml={6} visibleFrom="sm">
            {me.name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label hiddenFrom="sm">{me.name}</Menu.Label>
        {mine !== "UTC" && (
          <Menu.Item hiddenFrom="sm" onClick={otherZone}>
            Show moments in {zone === "UTC" ? mine : "UTC"}
          </Menu.Item>
        )}
        <Menu.Item hiddenFrom="sm" onClick={toggleColorScheme}>
          Dark or light
        </Menu.Item>
        <Menu.Item component={Link} to="/me">
          You
        </Menu.Item>
        <Menu.Item onClick={() => void leave()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
