import { basePath } from "./base";

/** The pages that are opened most, by the first word of their address. */
const PAGES: Record<string, () => Promise<unknown>> = {
  "": () => import("./pages/overview"),
  jobs: () => import("./pages/jobs"),
  schedules: () => import("./pages/schedules"),
};

// It is loaded first, while the rest is still being run: the page comes along with its shell.
const [, place = ""] = location.pathname.slice(basePath.length).split("/");
// What fails here is said by the router, which asks for it again.
void PAGES[place]?.().catch(() => null);
