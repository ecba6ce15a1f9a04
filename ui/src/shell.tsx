import "./shell.css";
import { Alert, AppShell, Badge, Burger, Center, Group, Loader, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouteContext, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { told } from "./api";
import { base } from "./base";
import { incidentsCount } from "./client/sdk.gen";
import type { Me } from "./client/types.gen";
import { type Live, useStanding } from "./live";
import { Bar } from "./parts/bar";
import { Hint } from "./parts/hint";
import { usePageTitle } from "./parts/page";
import { Wrong } from "./parts/shown";
import { moment, useNow, useZone } from "./parts/time";
import { PLACES, type Place, placeOf } from "./places";
import { useMe } from "./session";

const SignIn = lazy(async () => ({ default: (await import("./pages/sign_in")).SignIn }));
const PATIENCE = 3_000; // ms in which a server that starts anew is back

/** What stands around every page; or the sign-in, where nobody is signed in. */
export function Shell() {
  const me = useMe();
  if (me.data) return <Frame me={me.data} />;
  if (me.data === null) {
    return (
      <Suspense fallback={<Loader aria-label="Loading" />}>
        <SignIn />
      </Suspense>
    );
  }
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
  const incidents = useIncidents(me);
  const places = PLACES.filter((each) => isOffered(each, me));

  useEffect(() => {
    live.open();
    return () => live.close();
  }, [live]);

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
          <Bar me={me} live={live} places={places} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label="Pages">
        <Places places={places} at={placeOf(path)} incidents={incidents} close={close} />
      </AppShell.Navbar>
      <AppShell.Main>
        <Unheard live={live} />
        <Outlet />
      </AppShell.Main>
      <Hint />
    </AppShell>
  );
}

interface PlacesOf {
  places: Place[];
  /** The one that is shown. */
  at: string;
  incidents: number;
  close: () => void;
}

/** Where one can go. */
function Places({ places, at, incidents, close }: PlacesOf) {
  return (
    <div className="places">
      {places.map(({ to, name, icon: Icon }) => (
        <Link
          key={to}
          to={to}
          className="place"
          aria-current={at === to ? "page" : undefined}
          onClick={close}
        >
          <Icon size={16} aria-hidden />
          {name}
          {to === "/alerts" && incidents > 0 && (
            <Badge color="red" size="sm" ml="auto">
              {incidents}
            </Badge>
          )}
        </Link>
      ))}
    </div>
  );
}

function isOffered({ needs, isEverybodys }: Place, me: Me): boolean {
  return (!isEverybodys || me.owner === null) && (!needs || me.permissions.includes(needs));
}

/** How many incidents are open; the title and the icon of the tab tell it too. */
function useIncidents(me: Me): number {
  const page = usePageTitle();
  const open = useQuery({
    queryKey: ["incidents", "counts"],
    queryFn: () => told(incidentsCount()),
    refetchInterval: 15_000,
    enabled: me.owner === null && me.permissions.includes("incidents:read"),
  });
  const incidents = Object.values(open.data?.counts ?? {}).reduce((sum, each) => sum + each, 0);

  useEffect(() => {
    const before = incidents ? `(${incidents}) ` : "";
    document.title = before + [page, "Onbeat", me.environment].filter(Boolean).join(" · ");
    const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    const { href } = new URL(incidents ? "icon-red.svg" : "icon.svg", base);
    // It is asked for anew each time it is said, also where it is the same.
    if (icon && icon.href !== href) icon.href = href;
  }, [incidents, page, me.environment]);
  return incidents;
}

/** Says that what is shown is old, while the server is not heard. */
function Unheard({ live }: { live: Live }) {
  const standing = useStanding(live);
  const [zone] = useZone();
  const now = useNow();
  const since = live.heardUntil;
  if (standing !== "lost" || since === null || now - since < PATIENCE) return null;
  return (
    <Alert color="red" p="xs" mb="sm" role="status">
      The server does not answer, and is asked until it does. What is shown is of{" "}
      {moment(new Date(since).toISOString(), zone)}.
    </Alert>
  );
}
