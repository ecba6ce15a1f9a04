import { Page } from "../parts/page";

export function EditSchedule() {
  return <Page title="EditSchedule">{null}</Page>;
}
