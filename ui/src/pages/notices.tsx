import { Page } from "../parts/page";

export function Notices() {
  return <Page title="Notices">{null}</Page>;
}
