import { Page } from "../parts/page";

export function Operations() {
  return <Page title="Operations">{null}</Page>;
}
