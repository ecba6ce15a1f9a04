import { Page } from "../parts/page";

export function Clocks() {
  return <Page title="Clocks">{null}</Page>;
}
