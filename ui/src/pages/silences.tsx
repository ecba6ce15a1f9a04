import { Page } from "../parts/page";

export function Silences() {
  return <Page title="Silences">{null}</Page>;
}
