import {
  ActionIcon,
  AppShell,
  Badge,
  Burger,
  Button,
  Center,
  Group,
  Loader,
  Menu,
  NavLink,
  SegmentedControl,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouteContext, useRouterState } from "@tanstack/react-router";
import { CircleUser, Moon, Pause, Play, Sun } from "lucide-react";
import { useEffect } from "react";
import { told } from "./api";
import { base } from "./base";
import { incidentsCount } from "./client/sdk.gen";
import type { Me } from "./client/types.gen";
import { type Live, useStanding } from "./live";
import { SignIn } from "./pages/sign_in";
import { usePageTitle } from "./parts/page";
import { Wrong } from "./parts/shown";
import { nameOf, useZone, type Zone } from "./parts/time";
import { PLACES } from "./places";
import { useMe, useSession } from "./session";

/** What stands around every page; or the sign-in, where nobody is signed in. */
export function Shell() {
  const me = useMe();
  if (me.data) return <Frame me={me.data} />;
  if (me.data === null) return <SignIn />;
  return (
    <Center h="100vh">
      {me.error ? (
        <Wrong error={me.error} again={() => me.refetch()} />
      ) : (
        <Loader aria-label="Loading" />
      )}
    </Center>
  );
}

function Frame({ me }: { me: Me }) {
  const [isOpen, { toggle, close }] = useDisclosure();
  const { live } = useRouteContext({ from: "__root__" });
  const path = useRouterState({ select: (state) => state.location.pathname });
  const page = usePageTitle();
  const isEverybodys = me.owner === null;
  const open = useQuery({
    queryKey: ["incidents", "counts"],
    queryFn: () => told(incidentsCount()),
    refetchInterval: 15_000,
    enabled: isEverybodys && me.permissions.includes("incidents:read"),
  });
  const incidents = Object.values(open.data?.counts ?? {}).reduce((sum, each) => sum + each, 0);

  useEffect(() => {
    live.open();
    return () => live.close();
  }, [live]);

  useEffect(() => {
    const before = incidents ? `(${incidents}) ` : "";
    const parts = [page, "Onbeat", me.environment].filter(Boolean);
    document.title = `${before}${parts.join(" · ")}`;
  }, [incidents, page, me.environment]);

  const places = PLACES.filter(
    (each) =>
      (!each.isEverybodys || isEverybodys) && (!each.needs || me.permissions.includes(each.needs)),
  );

  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: 200, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <img src={new URL("icon.svg", base).href} alt="" width={22} height={22} />
            <Text fw={700}>Onbeat</Text>
            {me.environment && (
              <Badge color="grape" radius="sm" tt="none">
                {me.environment}
              </Badge>
            )}
          </Group>
          <Group gap="xs" wrap="nowrap">
            <LiveState live={live} />
            <ZoneSwitch />
            <SchemeSwitch />
            <Person me={me} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label="Pages">
        {places.map(({ to, name, icon: Icon }) => (
          <NavLink
            key={to}
            component={Link}
            to={to}
            label={name}
            leftSection={<Icon size={16} aria-hidden />}
            active={to === "/" ? path === "/" : path.startsWith(to)}
            onClick={close}
            rightSection={
              to === "/alerts" && incidents ? (
                <Badge color="red" size="sm">
                  {incidents}
                </Badge>
              ) : null
            }
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main>
        <Outlet />
      </AppShell.Main>
    </AppShell>
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
    <Tooltip label="Dark or light">
      <ActionIcon
        variant="default"
        size="md"
        onClick={toggleColorScheme}
        aria-label="Dark or light"
      >
        {shown === "dark" ? <Sun size={15} /> : <Moon size={15} />}
      </ActionIcon>
    </Tooltip>
  );
}

function Person({ me }: { me: Me }) {
  const { leave } = useSession();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="default"
          size="compact-sm"
          leftSection={<CircleUser size={15} aria-hidden />}
        >
          {me.name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void leave()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
