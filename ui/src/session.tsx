import { useQuery, useQueryClient } from "@tanstack/react-query";
import { keepCsrf, Refused, told } from "./api";
import { me, signIn, signOut } from "./client/sdk.gen";
import type { Me, Permission } from "./client/types.gen";

const WHO = ["me"];

async function ask(): Promise<Me | null> {
  try {
    const found = await told(me());
    keepCsrf(found.csrf_token);
    return found;
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null;
    throw error;
  }
}

/** Who is signed in; null where nobody is. */
export function useMe() {
  return useQuery({ queryKey: WHO, queryFn: ask, staleTime: 60_000 });
}

/** Whether who is signed in may do that. */
export function useMay(permission: Permission): boolean {
  return useMe().data?.permissions.includes(permission) ?? false;
}

/** Sign in, and out. */
export function useSession() {
  const queries = useQueryClient();
  return {
    async enter(name: string, password: string): Promise<void> {
      const found = await told(signIn({ body: { name, password } }));
      keepCsrf(found.csrf_token);
      queries.setQueryData(WHO, found);
    },
    async leave(): Promise<void> {
      await signOut();
      keepCsrf(null);
      queries.clear();
      queries.setQueryData(WHO, null);
    },
  };
}
