/** A job of a workflow and what it waits for, by labels. */
export interface Node {
  label: string;
  after: Record<string, string>;
}

/** A node at its place: how many steps from the beginning, and which one there. */
export interface Placed<N> {
  node: N;
  column: number;
  row: number;
}

/** Places for all nodes: each one step behind the last that it waits for. */
export function layersOf<N extends Node>(nodes: N[]): Placed<N>[] {
  const column = new Map<string, number>();
  // They stand in the order in which they were added: what one waits for stands before it.
  for (const { label, after } of nodes) {
    const before = Object.keys(after).map((each) => column.get(each) ?? 0);
    column.set(label, before.length ? Math.max(...before) + 1 : 0);
  }
  const filled = new Map<number, number>();
  return nodes.map((node) => {
    const at = column.get(node.label) as number;
    const row = filled.get(at) ?? 0;
    filled.set(at, row + 1);
    return { node, column: at, row };
  });
}
