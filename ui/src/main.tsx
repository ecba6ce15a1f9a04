import "./ahead";
import "./mantine.css";
import "@mantine/notifications/styles.css";
import "./look.css";
import { createTheme, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Refused } from "./api";
import { nonce } from "./base";
import { Live } from "./live";
import { makeRouter } from "./router";
import { askWho } from "./session";

const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: 8, // white on it can be read
  fontFamily: "system-ui, -apple-system, Segoe UI, Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
  defaultRadius: "sm",
  respectReducedMotion: true,
});

/** Whoever is not signed in any more is asked to sign in, and comes back to the same page. */
function heard(error: Error): void {
  if (error instanceof Refused && error.status === 401) queries.setQueryData(["me"], null);
}

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: heard }),
  mutationCache: new MutationCache({ onError: heard }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      placeholderData: (before: unknown) => before,
      retry: (count, error) => !(error instanceof Refused) && count < 2,
    },
  },
});
askWho(queries);
const router = makeRouter({ queries, live: new Live(queries) });

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
        <Notifications position="bottom-left" />
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
