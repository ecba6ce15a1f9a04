import "./plot.css";
import { ScrollArea } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { type PointerEvent, useState } from "react";
import { Listed } from "./listed";
import { paths, ticks } from "./scale";
import { moment, useZone } from "./time";

export interface Series<Point> {
  name: string;
  /** One of the colours of plots: good, bad, 1, 2, 3. */
  color: "good" | "bad" | "1" | "2" | "3";
  of: (point: Point) => number | null;
}

interface PlotOf<Point> {
  /** What is plotted, in a sentence, for who does not see it. */
  label: string;
  points: Point[];
  at: (point: Point) => string;
  since: string;
  until: string;
  /** Seconds between points. */
  step: number;
  series: Series<Point>[];
  /** How a value is told. */
  tells: (value: number) => string;
  /** Lines from point to point, or bars of which each series stands on the one before. */
  as: "lines" | "bars";
  height?: number;
}

const LEFT = 56;
const BOTTOM = 18;

/** Figures over time: as a picture, in words where the pointer is, and as a table. */
export function Plot<Point>(of: PlotOf<Point>) {
  const { label, points, at, since, until, step, series, tells, as, height = 180 } = of;
  const { ref, width } = useElementSize();
  const [zone] = useZone();
  const [here, setHere] = useState<number | null>(null);
  const begin = Date.parse(since);
  const span = Math.max(1, Date.parse(until) - begin);
  const sum = (point: Point) => series.reduce((all, each) => all + (each.of(point) ?? 0), 0);
  const most = Math.max(
    0,
    ...points.map((point) =>
      as === "bars" ? sum(point) : Math.max(0, ...series.map((each) => each.of(point) ?? 0)),
    ),
  );
  const lines = ticks(most);
  const top = lines.at(-1) as number;
  const wide = Math.max(10, width - LEFT - 8);
  const high = height - BOTTOM - 6;
  // A point is of its whole step: a bar is as wide, and a line goes through its middle.
  const x = (moment: number) => LEFT + ((moment - begin) / span) * wide;
  const y = (value: number) => 6 + high - (value / top) * high;
  const middle = (point: Point) =>
    Math.min(LEFT + wide, x(Date.parse(at(point)) + (step * 1000) / 2));
  const bar = Math.max(1, ((step * 1000) / span) * wide - 1);

  function find(event: PointerEvent<SVGSVGElement>): void {
    const left = event.currentTarget.getBoundingClientRect().left;
    const wanted = event.clientX - left;
    let best: number | null = null;
    points.forEach((point, index) => {
      const near = Math.abs(middle(point) - wanted);
      if (best === null || near < Math.abs(middle(points[best] as Point) - wanted)) best = index;
    });
    setHere(best);
  }

  const shown = here === null ? undefined : points[here];
  return (
    <div>
      <div className="plot-told">
        {series.map((each) => {
          const value = shown && each.of(shown);
          return (
            <span key={each.name}>
              <i style={{ background: `var(--plot-${each.color})` }} />
              {each.name}
              {value != null && `: ${tells(value)}`}
            </span>
          );
        })}
        {shown && <span>{moment(at(shown), zone)}</span>}
      </div>
      <div className="plot" ref={ref}>
        {width > 0 && (
          <svg
            role="img"
            aria-label={label}
            height={height}
            onPointerMove={find}
            onPointerLeave={() => setHere(null)}
          >
            {lines.map((value) => (
              <g key={value}>
                <line className="grid" x1={LEFT} x2={LEFT + wide} y1={y(value)} y2={y(value)} />
                <text x={LEFT - 6} y={y(value) + 4} textAnchor="end">
                  {tells(value)}
                </text>
              </g>
            ))}
            {[since, until].map((each, index) => (
              <text
                key={each}
                x={index ? LEFT + wide : LEFT}
                y={height - 3}
                textAnchor={index ? "end" : "start"}
              >
                {moment(each, zone).slice(0, 16)}
              </text>
            ))}
            {as === "bars"
              ? points.map((point) => {
                  let under = 0;
                  return series.map((each) => {
                    const value = each.of(point) ?? 0;
                    const foot = under;
                    under += value;
                    const left = Math.max(LEFT, x(Date.parse(at(point))));
                    return value > 0 ? (
                      <rect
                        key={`${at(point)} ${each.name}`}
                        x={left}
                        width={Math.max(1, Math.min(bar, LEFT + wide - left))}
                        y={y(under)}
                        height={Math.max(1, y(foot) - y(under))}
                        style={{ fill: `var(--plot-${each.color})` }}
                      />
                    ) : null;
                  });
                })
              : series.map((each) => {
                  const found = points.map((point) => {
                    const value = each.of(point);
                    return { x: middle(point), y: value === null ? null : y(value) };
                  });
                  return (
                    <g key={each.name} style={{ stroke: `var(--plot-${each.color})` }}>
                      {paths(found).map((path) => (
                        <path key={path} className="line" d={path} />
                      ))}
                      {found.map((dot) =>
                        dot.y === null ? null : (
                          <circle
                            key={dot.x}
                            cx={dot.x}
                            cy={dot.y}
                            r={2}
                            style={{ fill: `var(--plot-${each.color})` }}
                          />
                        ),
                      )}
                    </g>
                  );
                })}
            {shown && (
              <line className="at" x1={middle(shown)} x2={middle(shown)} y1={6} y2={6 + high} />
            )}
          </svg>
        )}
      </div>
      <details className="plot-table">
        <summary>As a table</summary>
        <ScrollArea.Autosize mah={260}>
          <Listed
            label={label}
            rows={points}
            keyOf={at}
            width={300}
            columns={[
              { name: "From", of: (point) => moment(at(point), zone) },
              ...series.map((each) => ({
                name: each.name,
                isNumber: true,
                of: (point: Point) => {
                  const value = each.of(point);
                  return value === null ? "–" : tells(value);
                },
              })),
            ]}
          />
        </ScrollArea.Autosize>
      </details>
    </div>
  );
}

/** How a figure went, small; in words it stands beside it. */
export function Spark({ values }: { values: (number | null)[] }) {
  const known = values.filter((each) => each !== null);
  const most = Math.max(0, ...known);
  const least = Math.min(most, ...known);
  const range = most - least || 1;
  const found = values.map((value, index) => ({
    x: (index / Math.max(1, values.length - 1)) * 100,
    y: value === null ? null : 22 - ((value - least) / range) * 20,
  }));
  return (
    <svg
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      width="100%"
      height={24}
      aria-hidden="true"
      style={{ display: "block" }}
    >
      {known.length > 1 &&
        paths(found).map((path) => (
          <path
            key={path}
            d={path}
            fill="none"
            strokeWidth={1.5}
            vectorEffect="non-scaling-stroke"
            style={{ stroke: "var(--plot-1)" }}
          />
        ))}
    </svg>
  );
}
