import { base } from "./base";
import { client } from "./client/client.gen";
import type { ProblemDetails } from "./client/types.gen";

/** What the API refused, in its own words. */
export class Refused extends Error {
  constructor(readonly problem: ProblemDetails) {
    super(problem.detail);
  }

  get status(): number {
    return this.problem.status;
  }
}

/** The API was not reached at all. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
  }
}

let csrf: string | null = null;

/** Keep what must be sent along with whatever changes something. */
export function keepCsrf(token: string | null): void {
  csrf = token;
}

client.setConfig({
  baseUrl: base.href.replace(/\/$/, ""),
  credentials: "same-origin",
  throwOnError: true,
});

client.interceptors.request.use((request) => {
  if (csrf && request.method !== "GET") request.headers.set("X-CSRF-Token", csrf);
  return request;
});

client.interceptors.error.use((error, response) => {
  if (error && typeof error === "object" && "detail" in error) {
    return new Refused(error as ProblemDetails);
  }
  if (response) {
    const status = response.status;
    return new Refused({
      type: "about:blank",
      title: response.statusText,
      status,
      code: String(status),
      detail: `The server said ${status}.`,
      message: "",
      request_id: "",
    });
  }
  return new Unreachable();
});

/** The body of an answer. */
export async function told<T>(answer: Promise<{ data: T }>): Promise<NonNullable<T>> {
  return (await answer).data as NonNullable<T>;
}
