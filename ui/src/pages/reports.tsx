import { Page } from "../parts/page";

export function Reports() {
  return <Page title="Reports">{null}</Page>;
}
