import { Page } from "../parts/page";

export function Noise() {
  return <Page title="Noise">{null}</Page>;
}
