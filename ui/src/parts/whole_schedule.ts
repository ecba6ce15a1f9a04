import { schedulesGet } from "../client/sdk.gen";
import type { ScheduleFound } from "../client/types.gen";
import { members } from "./raw_json";

/** A schedule, its arguments as they are written, and the tag that says what was read. */
export interface Whole {
  schedule: ScheduleFound;
  args: string;
  etag: string;
}

export async function readWhole(name: string): Promise<Whole> {
  const answer = await schedulesGet({ path: { name }, parseAs: "text" });
  const text = answer.data as unknown as string;
  return {
    schedule: JSON.parse(text) as ScheduleFound,
    args: members(text).args ?? "{}",
    etag: answer.response?.headers.get("etag") ?? "*",
  };
}
