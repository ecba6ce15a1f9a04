import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Sought } from "../router";

/** What stands in the address of the page, and a way to change some of it; undefined takes away. */
export function useSought(): [Sought, (change: Sought) => void] {
  const found = useSearch({ strict: false }) as Sought;
  const navigate = useNavigate();
  return [
    found,
    (change) => void navigate({ to: ".", search: { ...found, ...change } as never, replace: true }),
  ];
}
