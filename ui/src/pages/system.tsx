import { Page } from "../parts/page";

export function System() {
  return <Page title="System">{null}</Page>;
}
