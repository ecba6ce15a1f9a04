import { Page } from "../parts/page";

export function Rules() {
  return <Page title="Rules">{null}</Page>;
}
