import { ActionIcon, Button, Group, Text, Textarea } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import "./json.css";
import { copy } from "./copying";
import { type Exact, Fields, parse, seen, write } from "./exact";
import { openAtFirst, openable, type Row, rowsOf } from "./json_rows";

/** Rows above which those alone are drawn that are in view. */
const WINDOWED = 300;
const HEIGHT = 20;
const LONGEST = 500;
/** Levels after which nothing is set further in: it would leave the page. */
const FURTHEST_IN = 24;

/**
 * A value as JSON: exactly as it was written, numbers with all digits and names in their order; what
 * is deep or long is closed at first, and hostile text is text.
 */
export function Json({ value, label }: { value: Exact; label: string }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(openAtFirst(value)));
  const rows = useMemo(() => rowsOf(value, open), [value, open]);
  const hasClosed = rows.some((row) => row.kind === "closed");

  function toggle(path: string): void {
    const next = new Set(open);
    if (!next.delete(path)) next.add(path);
    setOpen(next);
  }

  return (
    <div>
      <Group gap={4} justify="flex-end" mb={4}>
        {hasClosed && (
          <Button
            variant="subtle"
            size="compact-xs"
            onClick={() => setOpen(new Set(openable(value)))}
          >
            Open all
          </Button>
        )}
        <Button
          variant="subtle"
          size="compact-xs"
          aria-label={`Copy ${label}`}
          onClick={() => void copy(write(value, 2))}
        >
          Copy
        </Button>
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard */}
      <section className="json mono" aria-label={label} tabIndex={0}>
        {rows.length > WINDOWED ? (
          <Windowed rows={rows} toggle={toggle} />
        ) : (
          rows.map((row) => <Line key={row.path} row={row} toggle={toggle} />)
        )}
      </section>
    </div>
  );
}

type Toggle = (path: string) => void;

function Windowed({ rows, toggle }: { rows: Row[]; toggle: Toggle }) {
  const frame = useRef<HTMLDivElement>(null);
  const drawn = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => HEIGHT,
    overscan: 20,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
    // biome-ignore lint/a11y/useSemanticElements: it stands within a section that has the name
    <div ref={frame} className="json-frame" tabIndex={0} role="group" aria-label="Lines">
      <div style={{ height: drawn.getTotalSize(), position: "relative" }}>
        {drawn.getVirtualItems().map((item) => {
          const row = rows[item.index] as Row;
          return (
            <div
              key={row.path}
              data-index={item.index}
              ref={drawn.measureElement}
              className="json-at"
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Line row={row} toggle={toggle} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Line({ row, toggle }: { row: Row; toggle: Toggle }) {
  const canOpen = row.kind === "closed" || row.kind === "begin";
  const isOpen = row.kind === "begin";
  return (
    <div className="json-line" style={{ paddingLeft: Math.min(row.depth, FURTHEST_IN) * 14 }}>
      {canOpen ? (
        <ActionIcon
          variant="transparent"
          color="gray"
          size={16}
          aria-expanded={isOpen}
          aria-label={`${isOpen ? "Close" : "Open"} ${row.place || "all"}`}
          onClick={() => toggle(row.path)}
        >
          {isOpen ? <ChevronDown size={12} /> : <ChevronRight size={12} />}
        </ActionIcon>
      ) : (
        <span className="json-space" />
      )}
      <span className="json-said">
        {row.name !== null && (
          <span className="json-name" title={row.place}>
            {seen(row.name)}:{" "}
          </span>
        )}
        <Value row={row} />
      </span>
    </div>
  );
}

function Value({ row }: { row: Row }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = row.text.length > LONGEST && !isWhole;
  return (
    <>
      <span className={`json-${row.kind}`}>{isLong ? row.text.slice(0, LONGEST) : row.text}</span>
      {isLong && (
        <Button variant="subtle" size="compact-xs" onClick={() => setWhole(true)}>
          … all {row.text.length.toLocaleString("en")} characters
        </Button>
      )}
    </>
  );
}

/** The object that a text says; or what is wrong with it. */
export function objectOf(text: string): { value: Fields; wrong: null } | { wrong: string } {
  try {
    const value = parse(text);
    if (value instanceof Fields) return { value, wrong: null };
    return { wrong: 'Give a JSON object, like {"limit": 10}' };
  } catch (error) {
    return { wrong: (error as Error).message };
  }
}

interface JsonFieldOf {
  label: string;
  text: string;
  change: (to: string) => void;
  error?: string;
  description?: string;
}

/** A field for a JSON object: what is written in it is sent as it is, with all digits. */
export function JsonField({ label, text, change, error, description }: JsonFieldOf) {
  const read = objectOf(text);
  return (
    <div>
      <Textarea
        label={label}
        description={description}
        autosize
        minRows={4}
        maxRows={24}
        value={text}
        onChange={(event) => change(event.currentTarget.value)}
        error={read.wrong ?? error}
        spellCheck={false}
        classNames={{ input: "mono" }}
      />
      <Group justify="space-between" mt={2}>
        <Text size="xs" c="dimmed">
          JSON, kept to the last digit
        </Text>
        <Button
          variant="subtle"
          size="compact-xs"
          disabled={read.wrong !== null}
          onClick={() => read.wrong === null && change(write(read.value, 2))}
        >
          Indent
        </Button>
      </Group>
    </div>
  );
}
