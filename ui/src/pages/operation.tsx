import { Page } from "../parts/page";

export function Operation() {
  return <Page title="Operation">{null}</Page>;
}
