import "./job_log.css";
import {
  ActionIcon,
  Button,
  Group,
  SegmentedControl,
  Switch,
  Text,
  TextInput,
} from "@mantine/core";
import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronDown, ChevronUp, Download } from "lucide-react";
import {
  type KeyboardEvent,
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { told } from "../api";
import { jobsLog } from "../client/sdk.gen";
import type { JobOut } from "../client/types.gen";
import type { Change } from "../live";
import {
  asText,
  found,
  from,
  type LogLine,
  linesOf,
  previousOf,
  withTold,
} from "../parts/log_lines";
import { LogRows } from "../parts/log_rows";
import { Nothing, Shown } from "../parts/shown";
import { useZone } from "../parts/time";

const HEIGHT = 20;
/** Milliseconds within which what was told is drawn together: of many lines 1,000 come at a time. */
const TOGETHER = 30;
/** Lines that are drawn above and below what is in view. */
const BEYOND = 8;
/** Lines that are read at first, to be seen soon, and with each reading further back. */
const FIRST = 1_000;
const PAGE = 10_000;
/** So many are read back. */
const MOST = 50_000;

interface Log {
  lines: LogLine[];
  /** What the lines before these are asked for with; null where there are none. */
  previous: string | null;
}

async function readLog(job: string, limit: number, before?: string): Promise<Log> {
  const query = { limit, before };
  const answer = told(jobsLog({ path: { job }, query, parseAs: "text" }));
  const text = (await answer) as unknown as string;
  return { lines: linesOf(text), previous: previousOf(text) };
}

/** All that is before, until there are so many lines. */
async function readBack(job: string, from: Log): Promise<Log> {
  let { lines, previous } = from;
  while (previous !== null && lines.length < MOST) {
    const page: Log = await readLog(job, PAGE, previous);
    lines = [...page.lines, ...lines];
    previous = page.previous;
  }
  return { lines, previous };
}

/** What a job wrote: as it writes it, while it runs. */
export function JobLog({ job }: { job: JobOut }) {
  const log = useLog(job);
  return (
    <Shown of={log}>
      {({ lines, previous }) =>
        lines.length ? (
          <Lines lines={lines} job={job} isWhole={previous === null} />
        ) : (
          <Nothing title="Nothing was written">
            A task writes with run.log, print or logging.
          </Nothing>
        )
      }
    </Shown>
  );
}

/** Its lines: read once, and then told one by one over the live connection. */
function useLog({ id, finished_at }: JobOut) {
  const queries = useQueryClient();
  const { live } = useRouteContext({ from: "__root__" });
  const key = useMemo(() => ["log", id, finished_at ?? "open"], [id, finished_at]);
  useEffect(() => {
    if (finished_at) return;
    let waiting: Change[] = [];
    let timer: number | undefined;
    const anew = () => void queries.invalidateQueries({ queryKey: key });
    const add = () => {
      timer = undefined;
      const changes = waiting;
      waiting = [];
      const known = queries.getQueryData<Log>(key);
      const lines = known && withTold(known.lines, changes);
      if (lines) queries.setQueryData<Log>(key, { ...known, lines });
      else anew();
    };
    const unfollow = live.follow(`job:${id}`, (changes) => {
      if (!changes) return anew();
      waiting.push(...changes);
      timer ??= window.setTimeout(add, TOGETHER);
    });
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, [live, queries, key, id, finished_at]);
  const log = useQuery({
    queryKey: key,
    queryFn: () => readLog(id, FIRST),
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
  });
  const hasMore = log.data?.previous != null && log.data.lines.length < MOST;
  useEffect(() => {
    if (hasMore) void goBack(queries, key, id);
  }, [hasMore, queries, key, id]);
  return log;
}

/** Reads what is before, and adds it to what has come meanwhile. */
async function goBack(queries: QueryClient, key: string[], id: string): Promise<void> {
  const known = queries.getQueryData<Log>(key);
  if (!known) return;
  try {
    const all = await readBack(id, known);
    queries.setQueryData<Log>(key, (now) => {
      const come = now?.lines.slice(known.lines.length) ?? [];
      return { ...all, lines: [...all.lines, ...come] };
    });
  } catch {
    // What was read stays, and says that it is the end alone.
  }
}

interface LinesOf {
  lines: LogLine[];
  job: JobOut;
  /** Whether these are all. */
  isWhole: boolean;
}

function Lines({ lines, job, isWhole }: LinesOf) {
  const [level, setLevel] = useState("debug");
  const [isWrapped, setWrapped] = useState(true);
  const [isFollowed, setFollowed] = useState(true);
  const [sought, setSought] = useState("");
  const [place, setPlace] = useState(0);
  const shown = useMemo(() => from(lines, level), [lines, level]);
  const hits = useMemo(() => found(shown, sought), [shown, sought]);
  const hit = hits.length ? hits[place % hits.length] : undefined;

  // What the tools are given stays the same while lines come: to draw them anew took longer than the lines.
  const latest = useRef({ lines, hits });
  useEffect(() => {
    latest.current = { lines, hits };
  });
  const go = useCallback((by: number) => {
    setFollowed(false);
    const many = latest.current.hits.length;
    if (many) setPlace((now) => (now + by + many) % many);
  }, []);
  const seek = useCallback((to: string) => {
    setSought(to);
    if (to) setFollowed(false);
    setPlace(0);
  }, []);
  const take = useCallback(() => download(`${job.id}.log`, asText(latest.current.lines)), [job.id]);
  const unfollow = useCallback(() => setFollowed(false), []);
  const told = sought ? `${hits.length ? (place % hits.length) + 1 : 0}/${hits.length}` : "";

  return (
    <div>
      <Group gap="xs" mb="xs">
        <Tools
          {...{ level, setLevel, isFollowed, setFollowed, isWrapped, setWrapped }}
          {...{ sought, seek, told, go, take }}
        />
        <Text size="xs" c="dimmed">
          {shown.length.toLocaleString("en")} of {!isWhole && "the last "}
          {lines.length.toLocaleString("en")} lines
        </Text>
      </Group>
      <Window
        key={String(isWrapped)}
        lines={shown}
        isWrapped={isWrapped}
        isFollowed={isFollowed}
        unfollow={unfollow}
        hit={hit}
      />
    </div>
  );
}

interface ToolsOf extends SearchOf {
  level: string;
  setLevel: (to: string) => void;
  isFollowed: boolean;
  setFollowed: (to: boolean) => void;
  isWrapped: boolean;
  setWrapped: (to: boolean) => void;
  take: () => void;
}

/** What of the log is shown, and how. */
const Tools = memo(function Tools(props: ToolsOf) {
  const { level, setLevel, isFollowed, setFollowed, isWrapped, setWrapped, take } = props;
  return (
    <>
      <SegmentedControl
        size="xs"
        aria-label="Least level"
        value={level}
        onChange={setLevel}
        data={LEVELS}
      />
      <Search sought={props.sought} seek={props.seek} told={props.told} go={props.go} />
      <Switch
        size="xs"
        label="Follow"
        checked={isFollowed}
        onChange={(event) => setFollowed(event.currentTarget.checked)}
      />
      <Switch
        size="xs"
        label="Wrap"
        checked={isWrapped}
        onChange={(event) => setWrapped(event.currentTarget.checked)}
      />
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<Download size={12} aria-hidden />}
        onClick={take}
      >
        Download
      </Button>
    </>
  );
});

const LEVELS = [
  { value: "debug", label: "all" },
  { value: "info", label: "info" },
  { value: "warning", label: "warnings" },
  { value: "error", label: "errors" },
];

interface SearchOf {
  sought: string;
  seek: (to: string) => void;
  told: string;
  go: (by: number) => void;
}

function Search({ sought, seek, told: count, go }: SearchOf) {
  function keyed(event: KeyboardEvent): void {
    if (event.key !== "Enter") return;
    event.preventDefault();
    go(event.shiftKey ? -1 : 1);
  }
  return (
    <Group gap={2} wrap="nowrap">
      <TextInput
        size="xs"
        aria-label="Search in the log"
        placeholder="Search"
        value={sought}
        onChange={(event) => seek(event.currentTarget.value)}
        onKeyDown={keyed}
        rightSection={<Text size="10px">{count}</Text>}
        rightSectionWidth={52}
        w={170}
      />
      <ActionIcon variant="default" size={28} aria-label="The one before" onClick={() => go(-1)}>
        <ChevronUp size={13} aria-hidden />
      </ActionIcon>
      <ActionIcon variant="default" size={28} aria-label="The next one" onClick={() => go(1)}>
        <ChevronDown size={13} aria-hidden />
      </ActionIcon>
    </Group>
  );
}

interface WindowOf {
  lines: LogLine[];
  isWrapped: boolean;
  isFollowed: boolean;
  unfollow: () => void;
  hit: number | undefined;
}

/** The lines that are in view: of 50,000 some dozens are drawn. */
function Window({ lines, isWrapped, isFollowed, unfollow, hit }: WindowOf) {
  const [zone] = useZone();
  const frame = useRef<HTMLDivElement>(null);
  const drawn = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => HEIGHT,
    overscan: BEYOND,
  });
  useEffect(() => {
    if (isFollowed && lines.length) drawn.scrollToIndex(lines.length - 1, { align: "end" });
  }, [isFollowed, lines.length, drawn]);
  useEffect(() => {
    if (hit !== undefined) drawn.scrollToIndex(hit, { align: "center" });
  }, [hit, drawn]);
  const place = useRef<HTMLDivElement>(null);
  const rows = useRef<LogRows>(undefined);
  useLayoutEffect(() => {
    rows.current ??= new LogRows(place.current as HTMLDivElement, drawn.measureElement);
    const hasAttempt = lines.length > 0 && lines[0]?.attempt !== lines.at(-1)?.attempt;
    rows.current.draw(drawn.getVirtualItems(), lines, { zone, hasAttempt, isWrapped, hit });
  });
  return (
    <div
      ref={frame}
      className={`log mono${isWrapped ? " wrapped" : ""}`}
      role="log"
      aria-live="off"
      aria-label="What it wrote"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
      tabIndex={0}
      onWheel={({ deltaY }) => deltaY < 0 && unfollow()}
      onKeyDown={({ key }) => ["ArrowUp", "PageUp", "Home"].includes(key) && unfollow()}
    >
      <div ref={place} style={{ height: drawn.getTotalSize(), position: "relative" }} />
    </div>
  );
}

function download(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
