import { ansi } from "./ansi";
import type { LogLine } from "./log_lines";
import { moment, nameOf, type Zone } from "./time";

/** So much of a line is shown by itself. */
export const SHOWN = 2_000;

/** A row of the window, by the number of its line, and how far down it stands. */
export interface Place {
  index: number;
  start: number;
}

/** How lines are shown. */
export interface Look {
  zone: Zone;
  hasAttempt: boolean;
  isWrapped: boolean;
  hit: number | undefined;
}

interface Row {
  element: HTMLElement;
  line: LogLine;
  drawn: string;
}

/**
 * The rows of a log that are in view. They are made by hand: hundreds of lines come in a second, and
 * what React took for 40 rows of them was half of all that the page did.
 */
export class LogRows {
  private rows = new Map<number, Row>();
  /** Which long lines are shown whole, by attempt and number. */
  private readonly whole = new Set<string>();

  constructor(
    private readonly frame: HTMLElement,
    /** Told of each row that came, and sees by itself that one grows; of null once rows have gone. */
    private readonly measure: (row: HTMLElement | null) => void,
  ) {}

  /** Draws what is in view; rows that stay are touched only where they changed. */
  draw(places: Place[], lines: LogLine[], look: Look): void {
    const wanted = new Map(places.map(({ index }) => [index, this.row(index, lines, look)]));
    const gone = [...this.rows].filter(([index, row]) => wanted.get(index) !== row);
    for (const [, { element }] of gone) element.remove();
    if (gone.length) this.measure(null);
    let next = this.frame.firstElementChild;
    for (const { index, start } of places) {
      const { element } = wanted.get(index) as Row;
      const stands = `translateY(${start}px)`;
      if (element.style.transform !== stands) element.style.transform = stands;
      element.classList.toggle("hit", index === look.hit);
      if (element === next) next = next.nextElementSibling;
      else this.frame.insertBefore(element, next);
    }
    const come = [...wanted].filter(([index, row]) => this.rows.get(index) !== row);
    this.rows = wanted;
    // All are measured once all are there: to read a height in between would lay out each by itself.
    for (const [, { element }] of come) this.measure(element);
  }

  private row(index: number, lines: LogLine[], look: Look): Row {
    const line = lines[index] as LogLine;
    const drawn = `${look.zone} ${look.hasAttempt} ${look.isWrapped}`;
    const known = this.rows.get(index);
    if (known?.line === line && known.drawn === drawn) return known;
    const element = document.createElement("div");
    element.className = "log-line";
    element.dataset.index = String(index);
    this.fill(element, line, look);
    return { element, line, drawn };
  }

  private fill(row: HTMLElement, line: LogLine, look: Look): void {
    const name = `${line.attempt}/${line.line}`;
    const text = line.fields ? `${line.message} ${line.fields}` : line.message;
    const isCut = text.length > SHOWN && !this.whole.has(name);
    const time = document.createElement("time");
    time.dateTime = line.at;
    time.title = `${moment(line.at, look.zone)} (${nameOf(look.zone)})`;
    time.textContent = clock(line.at, look.zone);
    row.replaceChildren(
      time,
      " ",
      ...(look.hasAttempt ? [span("log-attempt", `${line.attempt} `)] : []),
      span(`log-level log-${line.level}`, line.level.padEnd(7)),
      " ",
      ...ansi(isCut ? text.slice(0, SHOWN) : text, look.isWrapped),
    );
    if (!isCut) return;
    const more = document.createElement("button");
    more.type = "button";
    more.className = "log-more";
    more.textContent = `… ${(text.length - SHOWN).toLocaleString("en")} more characters`;
    more.onclick = () => {
      this.whole.add(name);
      this.fill(row, line, look);
    };
    row.append(more);
  }
}

function span(className: string, text: string): HTMLElement {
  const made = document.createElement("span");
  made.className = className;
  made.textContent = text;
  return made;
}

/** The time of day with milliseconds, in the zone that moments are shown in. */
function clock(at: string, zone: Zone): string {
  const fraction = /\.(\d{1,3})/.exec(at)?.[1] ?? "0";
  return `${moment(at, zone).slice(11, 19)}.${fraction.padEnd(3, "0")}`;
}
