import { Page } from "../parts/page";

export function Incident() {
  return <Page title="Incident">{null}</Page>;
}
