import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { basePath } from "./base";
import type { Live } from "./live";
import { readPage } from "./parts/job_page";
import { Shell } from "./shell";

export interface Context {
  queries: QueryClient;
  live: Live;
}

type Words = string | string[];

/** What a list of jobs is narrowed to; it stands in the address. */
export interface JobsSought {
  state?: string[];
  task?: Words;
  queue?: Words;
  schedule?: Words;
  tag?: Words;
  owner?: Words;
  region?: Words;
  id?: string;
  created_since?: string;
  created_until?: string;
  finished_since?: string;
  finished_until?: string;
  error?: string;
  arg?: Words;
  sort?: string;
  after?: string;
  before?: string;
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value
    ? value
    : typeof value === "number"
      ? String(value)
      : undefined;

const several = (value: unknown): string[] | undefined => {
  const all = (Array.isArray(value) ? value : [value]).map(text);
  const said = all.filter((each) => each !== undefined);
  return said.length ? said : undefined;
};

/** What stands in the address of a page as it is: words, and lists of words. */
export type Sought = Record<string, string | undefined>;

const words = (found: Record<string, unknown>): Sought =>
  Object.fromEntries(Object.entries(found).map(([name, value]) => [name, text(value)]));

const root = createRootRouteWithContext<Context>()({ component: Shell });

export const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  component: lazyRouteComponent(() => import("./pages/jobs"), "Jobs"),
  validateSearch: (found: Record<string, unknown>): JobsSought => ({
    state: several(found.state)?.flatMap((each) => each.split(",")),
    task: several(found.task),
    queue: several(found.queue),
    schedule: several(found.schedule),
    tag: several(found.tag),
    owner: several(found.owner),
    region: several(found.region),
    id: text(found.id),
    created_since: text(found.created_since),
    created_until: text(found.created_until),
    finished_since: text(found.finished_since),
    finished_until: text(found.finished_until),
    error: text(found.error),
    arg: several(found.arg),
    sort: text(found.sort),
    after: text(found.after),
    before: text(found.before),
  }),
  loaderDeps: ({ search }) => search,
  // Asked for while the page is loaded, which says it where that fails.
  loader: ({ context, deps }) => void context.queries.prefetchQuery(readPage(deps)),
});

/** A page at its address, which keeps what it is narrowed to. */
const page = <Path extends string>(path: Path, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => root, path, component, validateSearch: words });

const tree = root.addChildren([
  page(
    "/",
    lazyRouteComponent(() => import("./pages/overview"), "Overview"),
  ),
  jobs,
  page(
    "/jobs/$job",
    lazyRouteComponent(() => import("./pages/job"), "Job"),
  ),
  page(
    "/new/job",
    lazyRouteComponent(() => import("./pages/new_job"), "NewJob"),
  ),
  page(
    "/operations",
    lazyRouteComponent(() => import("./pages/operations"), "Operations"),
  ),
  page(
    "/operations/$operation",
    lazyRouteComponent(() => import("./pages/operation"), "Operation"),
  ),
  page(
    "/workflows/$workflow",
    lazyRouteComponent(() => import("./pages/workflow"), "Workflow"),
  ),
  page(
    "/schedules",
    lazyRouteComponent(() => import("./pages/schedules"), "Schedules"),
  ),
  // The name of a schedule may have slashes, and be "new": what is done to one stands before it.
  page(
    "/schedules/$",
    lazyRouteComponent(() => import("./pages/schedule"), "Schedule"),
  ),
  page(
    "/new/schedule",
    lazyRouteComponent(() => import("./pages/new_schedule"), "NewSchedule"),
  ),
  page(
    "/edit/schedule/$",
    lazyRouteComponent(() => import("./pages/edit_schedule"), "EditSchedule"),
  ),
  page(
    "/calendar",
    lazyRouteComponent(() => import("./pages/calendar"), "Calendar"),
  ),
  page(
    "/queues",
    lazyRouteComponent(() => import("./pages/queues"), "Queues"),
  ),
  page(
    "/limits",
    lazyRouteComponent(() => import("./pages/limits"), "Limits"),
  ),
  page(
    "/workers",
    lazyRouteComponent(() => import("./pages/workers"), "Workers"),
  ),
  page(
    "/clocks",
    lazyRouteComponent(() => import("./pages/clocks"), "Clocks"),
  ),
  page(
    "/alerts",
    lazyRouteComponent(() => import("./pages/alerts"), "Alerts"),
  ),
  page(
    "/alerts/rules",
    lazyRouteComponent(() => import("./pages/rules"), "Rules"),
  ),
  page(
    "/alerts/channels",
    lazyRouteComponent(() => import("./pages/channels"), "Channels"),
  ),
  page(
    "/alerts/silences",
    lazyRouteComponent(() => import("./pages/silences"), "Silences"),
  ),
  page(
    "/alerts/notices",
    lazyRouteComponent(() => import("./pages/notices"), "Notices"),
  ),
  page(
    "/alerts/noise",
    lazyRouteComponent(() => import("./pages/noise"), "Noise"),
  ),
  page(
    "/alerts/incidents/$incident",
    lazyRouteComponent(() => import("./pages/incident"), "Incident"),
  ),
  page(
    "/reports",
    lazyRouteComponent(() => import("./pages/reports"), "Reports"),
  ),
  page(
    "/webhooks",
    lazyRouteComponent(() => import("./pages/webhooks"), "Webhooks"),
  ),
  page(
    "/audit",
    lazyRouteComponent(() => import("./pages/audit"), "Audit"),
  ),
  page(
    "/users",
    lazyRouteComponent(() => import("./pages/users"), "Users"),
  ),
  page(
    "/tokens",
    lazyRouteComponent(() => import("./pages/tokens"), "Tokens"),
  ),
  page(
    "/me",
    lazyRouteComponent(() => import("./pages/me"), "You"),
  ),
  page(
    "/system",
    lazyRouteComponent(() => import("./pages/system"), "System"),
  ),
]);

/** The pages, each at its address. */
export function makeRouter(context: Context) {
  return createRouter({
    routeTree: tree,
    basepath: basePath || "/",
    context,
    // The shell is drawn at once, and the page in it when it is there.
    defaultPendingMs: 0,
    defaultPendingMinMs: 0,
    defaultPendingComponent: () => null,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
