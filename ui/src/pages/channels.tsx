import { Page } from "../parts/page";

export function Channels() {
  return <Page title="Channels">{null}</Page>;
}
