import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { keepCsrf, Refused, told } from "./api";
import { me, signIn, signOut } from "./client/sdk.gen";
import type { Me, Permission } from "./client/types.gen";

const WHO = ["me"];
let wasIn = false;

async function ask(): Promise<Me | null> {
  try {
    const found = await told(me());
    keepCsrf(found.csrf_token);
    wasIn = true;
    return found;
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null;
    throw error;
  }
}

const MINE = { queryKey: WHO, queryFn: ask, staleTime: 60_000 };

/** Who is signed in; null where nobody is. */
export function useMe() {
  return useQuery(MINE);
}

/** Ask who is signed in before anything is drawn. */
export function askWho(queries: QueryClient): void {
  void queries.prefetchQuery(MINE);
}

/** Whether who is signed in may do that; what needs nothing everybody may. */
export function useMay(permission?: Permission): boolean {
  const me = useMe().data;
  return !permission || (me?.permissions.includes(permission) ?? false);
}

/** Whether somebody was signed in here before, and has not signed out. */
export function hasEnded(): boolean {
  return wasIn;
}

/** Sign in, and out. */
export function useSession() {
  const queries = useQueryClient();

  /** Be who a sign-in says that one is. */
  function taken(found: Me): void {
    keepCsrf(found.csrf_token);
    wasIn = true;
    queries.setQueryData(WHO, found);
  }

  return {
    taken,
    async enter(name: string, password: string): Promise<void> {
      taken(await told(signIn({ body: { name, password } })));
    },
    async leave(): Promise<void> {
      await signOut();
      wasIn = false;
      keepCsrf(null);
      queries.clear();
      queries.setQueryData(WHO, null);
    },
  };
}
