import { Page } from "../parts/page";

export function Workflow() {
  return <Page title="Workflow">{null}</Page>;
}
