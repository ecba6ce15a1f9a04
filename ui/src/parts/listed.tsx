import { Table } from "@mantine/core";
import type { ReactNode } from "react";
import { Cards } from "./cards";

export interface Column<Row> {
  name: string;
  /** What stands over it in place of its name. */
  head?: ReactNode;
  of: (row: Row) => ReactNode;
  isNumber?: boolean;
}

interface ListedOf<Row> {
  rows: Row[];
  columns: Column<Row>[];
  keyOf: (row: Row) => string;
  /** Pixels under which the table is scrolled instead of squeezed. */
  width?: number;
  /** What the table lists, for who does not see it. */
  label: string;
  /** Whether a row stands out: it is chosen. */
  isMarked?: (row: Row) => boolean;
}

/** A table of things, one in a row; numbers stand right. */
export function Listed<Row>({ rows, columns, keyOf, width = 600, label, isMarked }: ListedOf<Row>) {
  return (
    <Cards width={width} aria-label={label}>
      <Table.Thead>
        <Table.Tr>
          {columns.map((each) => (
            <Table.Th key={each.name} className={each.isNumber ? "number" : undefined}>
              {each.head ?? each.name}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} className={isMarked?.(row) ? "row marked" : "row"}>
            {columns.map((each) => (
              <td
                key={each.name}
                data-label={each.name}
                className={each.isNumber ? "number" : undefined}
              >
                {each.of(row)}
              </td>
            ))}
          </tr>
        ))}
      </Table.Tbody>
    </Cards>
  );
}
