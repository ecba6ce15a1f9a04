import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { useSought } from "./sought";

interface Tab {
  value: string;
  name: string;
  shows: () => ReactNode;
}

interface TabbedOf {
  /** The word in the address under which the chosen one stands. */
  of?: string;
  label: string;
  tabs: [Tab, ...Tab[]];
}

/** Parts of a page of which one is shown; which one stands in the address. */
export function Tabbed({ of = "tab", label, tabs }: TabbedOf) {
  const [sought, seek] = useSought();
  const chosen = tabs.find((each) => each.value === sought[of]) ?? tabs[0];
  return (
    <Tabs
      value={chosen.value}
      onChange={(to) =>
        seek({ [of]: to === tabs[0].value ? undefined : (to ?? undefined), after: undefined })
      }
      keepMounted={false}
    >
      <Tabs.List aria-label={label}>
        {tabs.map((each) => (
          <Tabs.Tab key={each.value} value={each.value}>
            {each.name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={chosen.value} pt="sm">
        {chosen.shows()}
      </Tabs.Panel>
    </Tabs>
  );
}
