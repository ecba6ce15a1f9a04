import { Page } from "../parts/page";

export function Users() {
  return <Page title="Users">{null}</Page>;
}
