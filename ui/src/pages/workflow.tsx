import "@mantine/core/styles/Progress.css";
import "./workflow.css";
import { Button, Group, Progress, ScrollArea, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { told } from "../api";
import { workflowsCancel, workflowsGet, workflowsGraph } from "../client/sdk.gen";
import type { WorkflowJobOut, WorkflowOut } from "../client/types.gen";
import { Act } from "../parts/act";
import { seen } from "../parts/exact";
import { Going } from "../parts/going";
import { layersOf, type Placed } from "../parts/layers";
import { type Column, Listed } from "../parts/listed";
import { Page } from "../parts/page";
import { Nothing, Shown } from "../parts/shown";
import { StateBadge } from "../parts/state";
import { Moment } from "../parts/time";

/** Of more jobs no graph is drawn: nobody could read it. */
const MOST_DRAWN = 150;
const PAGE_SIZE = 200;
const WIDE = 250;
const HIGH = 68;
const NODE = { width: 200, height: 52 };

/** Jobs that wait for one another: which stand where, and how far all has come. */
export function Workflow() {
  const { workflow: id } = useParams({ from: "/workflows/$workflow" });
  const found = useQuery({
    queryKey: ["jobs", "workflow", id],
    queryFn: () => told(workflowsGet({ path: { workflow: id } })),
    placeholderData: undefined,
  });
  return <Shown of={found}>{(workflow) => <Found workflow={workflow} />}</Shown>;
}

function Found({ workflow }: { workflow: WorkflowOut }) {
  return (
    <Page
      title={seen(workflow.name)}
      beside={<StateBadge of={workflow.state} />}
      actions={
        <Act
          name="Cancel"
          needs="jobs:manage"
          color="red"
          off={workflow.ended_at !== null && "It has ended."}
          asks="What waits is called off, what runs is asked to stop; nothing of it goes on."
          done="It was called off."
          reads={["jobs"]}
          does={() =>
            told(workflowsCancel({ path: { workflow: workflow.id }, body: { reason: "by hand" } }))
          }
        />
      }
    >
      <div>
        <Progress
          value={(100 * workflow.ended) / (workflow.total || 1)}
          color={workflow.failed ? "red" : workflow.ended_at ? "green" : "indigo"}
          aria-label="How many of its jobs have ended"
        />
        <Text size="sm" mt={4}>
          {workflow.ended} of {workflow.total} jobs have ended
          {workflow.failed > 0 && `, ${workflow.failed} failed`}
          {workflow.cancelled > 0 && `, ${workflow.cancelled} cancelled`}. Begun{" "}
          <Moment at={workflow.created_at} />
          {workflow.ended_at && (
            <>
              , ended <Moment at={workflow.ended_at} />
            </>
          )}
          . When one fails, the others {workflow.on_failure}.
        </Text>
      </div>
      <Graph id={workflow.id} />
    </Page>
  );
}

const COLUMNS: Column<WorkflowJobOut>[] = [
  {
    name: "Label",
    of: (row) => (
      <Going to="/jobs/$job" params={{ job: row.id }} size="sm">
        {seen(row.label)}
      </Going>
    ),
  },
  { name: "State", of: (row) => <StateBadge of={row.state} /> },
  { name: "Task", of: (row) => <Text size="sm">{seen(row.task)}</Text> },
  {
    name: "Waits for",
    of: (row) => (
      <Text size="sm">
        {Object.entries(row.after)
          .map(([label, on]) => `${seen(label)} (${on})`)
          .join(", ") || "–"}
      </Text>
    ),
  },
  {
    name: "Reason",
    of: (row) => <div className="clip">{row.reason ? seen(row.reason) : "–"}</div>,
  },
];

function Graph({ id }: { id: string }) {
  const { after } = useSearch({ from: "/workflows/$workflow" });
  const navigate = useNavigate({ from: "/workflows/$workflow" });
  const graph = useQuery({
    queryKey: ["jobs", "workflow", id, "graph", after],
    queryFn: () =>
      told(workflowsGraph({ path: { workflow: id }, query: { limit: PAGE_SIZE, after } })),
  });
  return (
    <Shown of={graph}>
      {({ data, page }) => (
        <>
          {data.length === 0 && <Nothing title="No more jobs" />}
          {data.length <= MOST_DRAWN && !after && !page.next && <Drawn jobs={data} />}
          <Listed
            rows={data}
            columns={COLUMNS}
            keyOf={(row) => row.id}
            width={760}
            label="Jobs of the workflow"
          />
          {(after || page.next) && (
            <Group justify="flex-end">
              <Button
                variant="default"
                size="xs"
                disabled={!after}
                onClick={() => void navigate({ search: {} })}
              >
                First
              </Button>
              <Button
                variant="default"
                size="xs"
                disabled={!page.next}
                onClick={() => void navigate({ search: { after: page.next ?? undefined } })}
              >
                More
              </Button>
            </Group>
          )}
        </>
      )}
    </Shown>
  );
}

/** The graph: boxes that are links, and lines from what is waited for; the table below says the same. */
function Drawn({ jobs }: { jobs: WorkflowJobOut[] }) {
  const placed = layersOf(jobs);
  const width = (Math.max(...placed.map((each) => each.column)) + 1) * WIDE;
  const height = (Math.max(...placed.map((each) => each.row)) + 1) * HIGH;
  const by = new Map(placed.map((each) => [each.node.label, each]));
  return (
    <ScrollArea>
      <div className="graph" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden>
          {placed.flatMap((to) =>
            Object.keys(to.node.after).map((label) => {
              const from = by.get(label);
              return from && <path key={`${label}→${to.node.label}`} d={line(from, to)} />;
            }),
          )}
        </svg>
        {placed.map(({ node, column, row }) => (
          <div
            key={node.id}
            className={`graph-node graph-${node.state}`}
            style={{ left: column * WIDE, top: row * HIGH }}
          >
            <Going to="/jobs/$job" params={{ job: node.id }} size="sm">
              {seen(node.label)}
            </Going>
            <Text size="xs" c="dimmed">
              {node.state}
            </Text>
          </div>
        ))}
      </div>
    </ScrollArea>
  );
}

function line(from: Placed<WorkflowJobOut>, to: Placed<WorkflowJobOut>): string {
  const [x1, y1] = [from.column * WIDE + NODE.width, from.row * HIGH + NODE.height / 2];
  const [x2, y2] = [to.column * WIDE, to.row * HIGH + NODE.height / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1},${y1} C${middle},${y1} ${middle},${y2} ${x2},${y2}`;
}
