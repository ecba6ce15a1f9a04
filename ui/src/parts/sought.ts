import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Sought } from "../router";

/** What stands in the address of the page, and a way to change some of it; what is emptied leaves it. */
export function useSought(): [Sought, (change: Sought) => void] {
  const found = useSearch({ strict: false }) as Sought;
  const navigate = useNavigate();
  return [
    found,
    (change) => {
      const left = Object.entries({ ...found, ...change }).filter(([, value]) => value);
      void navigate({ to: ".", search: Object.fromEntries(left) });
    },
  ];
}
