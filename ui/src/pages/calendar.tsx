import { Page } from "../parts/page";

export function Calendar() {
  return <Page title="Calendar">{null}</Page>;
}
