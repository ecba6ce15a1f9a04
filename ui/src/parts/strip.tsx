import "./strip.css";
import { Tooltip } from "@mantine/core";
import type { CameOut } from "../client/types.gen";
import { type Look, lookOf, toldOf } from "./came";
import { moment, useZone } from "./time";

const WIDE = 8;
const HIGH = 14;

/** Drawn into a box of 8 by 14: a bar, a cross, a diamond, a dash, a ring, a dot. */
const SHAPES: Record<Look, string> = {
  completed: "M1 1h6v12h-6z",
  failed: "M1 3l6 8m0-8l-6 8",
  missed: "M4 3l3 4l-3 4l-3-4z",
  skipped: "M1 7h6",
  cancelled: "M1.5 7a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0z",
  open: "M2 7a2 2 0 1 0 4 0a2 2 0 1 0-4 0z",
};

/** What came of the last moments, the newest right. */
export function Strip({ of }: { of: CameOut[] }) {
  const [zone] = useZone();
  if (!of.length) return null;
  const oldest = of.at(-1)?.due_at ?? "";
  return (
    <Tooltip
      multiline
      maw={340}
      label={
        <>
          {toldOf(of)}
          <br />
          since {moment(oldest, zone)}
        </>
      }
    >
      <svg
        className="strip"
        role="img"
        aria-label={toldOf(of)}
        width={WIDE * of.length}
        height={HIGH}
      >
        {[...of].reverse().map((each, at) => (
          <path
            key={each.due_at}
            className={lookOf(each)}
            d={SHAPES[lookOf(each)]}
            transform={`translate(${WIDE * at})`}
          />
        ))}
      </svg>
    </Tooltip>
  );
}
