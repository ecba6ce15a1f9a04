import type { PointOut, ReportOut } from "../client/types.gen";
import { count } from "./figures";
import { Plot } from "./plot";
import { Nothing } from "./shown";

/** How many jobs completed and failed, step by step of a window. */
export function Ended({ of }: { of: ReportOut }) {
  if (!of.points.length) return <Nothing title="Nothing ended in this time" />;
  return (
    <Plot<PointOut>
      as="bars"
      label={`${count(of.total.completed)} jobs completed, ${count(of.total.failed)} failed`}
      points={of.points}
      at={(each) => each.at}
      since={of.since}
      until={of.until}
      step={of.step_s}
      tells={count}
      series={[
        { name: "completed", color: "good", of: (each) => each.completed },
        { name: "failed", color: "bad", of: (each) => each.failed },
      ]}
    />
  );
}
