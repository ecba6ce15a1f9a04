import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { basePath } from "./base";
import type { Live } from "./live";
import { Shell } from "./shell";

export interface Context {
  queries: QueryClient;
  live: Live;
}

/** What a list of jobs is narrowed to; it stands in the address. */
export interface JobsSought {
  state?: string[];
  task?: string;
  queue?: string;
  schedule?: string;
  tag?: string;
  error?: string;
  arg?: string;
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

const root = createRootRouteWithContext<Context>()({ component: Shell });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("./pages/overview"), "Overview"),
});

export const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  component: lazyRouteComponent(() => import("./pages/jobs"), "Jobs"),
  validateSearch: (found: Record<string, unknown>): JobsSought => ({
    state: Array.isArray(found.state) ? found.state.map(String) : text(found.state)?.split(","),
    task: text(found.task),
    queue: text(found.queue),
    schedule: text(found.schedule),
    tag: text(found.tag),
    error: text(found.error),
    arg: text(found.arg),
    sort: text(found.sort),
    after: text(found.after),
    before: text(found.before),
  }),
});

export const job = createRoute({
  getParentRoute: () => root,
  path: "/jobs/$job",
  component: lazyRouteComponent(() => import("./pages/job"), "Job"),
});

const schedules = createRoute({
  getParentRoute: () => root,
  path: "/schedules",
  component: lazyRouteComponent(() => import("./pages/schedules"), "Schedules"),
});

/** Not below /schedules, where it would be one whose name is "new". */
const newSchedule = createRoute({
  getParentRoute: () => root,
  path: "/new/schedule",
  component: lazyRouteComponent(() => import("./pages/new_schedule"), "NewSchedule"),
});

/** The name of a schedule may have slashes. */
const schedule = createRoute({
  getParentRoute: () => root,
  path: "/schedules/$",
  component: lazyRouteComponent(() => import("./pages/schedule"), "Schedule"),
});

const queues = createRoute({
  getParentRoute: () => root,
  path: "/queues",
  component: lazyRouteComponent(() => import("./pages/queues"), "Queues"),
});

const workers = createRoute({
  getParentRoute: () => root,
  path: "/workers",
  component: lazyRouteComponent(() => import("./pages/workers"), "Workers"),
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: "/alerts",
  component: lazyRouteComponent(() => import("./pages/alerts"), "Alerts"),
});

const tree = root.addChildren([
  overview,
  jobs,
  job,
  schedules,
  newSchedule,
  schedule,
  queues,
  workers,
  alerts,
]);

/** The pages, each at its address. */
export function makeRouter(context: Context) {
  return createRouter({ routeTree: tree, basepath: basePath || "/", context });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
