import { Table, UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import { Cards } from "./cards";
import { useSought } from "./sought";

export interface SortedColumn<Row> {
  /** Its word in the address. */
  key: string;
  name: string;
  of: (row: Row) => ReactNode;
  by: (row: Row) => number | string | null;
  isNumber?: boolean;
}

interface SortedOf<Row> {
  label: string;
  rows: Row[];
  columns: SortedColumn<Row>[];
  keyOf: (row: Row) => string;
  /** By which column where the address says nothing, with a dash for the greatest first. */
  usual: string;
  width?: number;
}

/** A table that is sorted by the column whose name is pressed; which one stands in the address. */
export function Sorted<Row>({ label, rows, columns, keyOf, usual, width = 700 }: SortedOf<Row>) {
  const [search, seek] = useSought();
  const sort = search.sort ?? usual;
  const isDown = sort.startsWith("-");
  const key = sort.replace("-", "");
  const by = columns.find((each) => each.key === key)?.by;
  const shown = by ? inOrder(rows, by, isDown) : rows;
  return (
    <Cards width={width} aria-label={label}>
      <Table.Thead>
        <Table.Tr>
          {columns.map((each) => (
            <Table.Th
              key={each.key}
              className={each.isNumber ? "number" : undefined}
              aria-sort={each.key === key ? (isDown ? "descending" : "ascending") : undefined}
            >
              <UnstyledButton
                fz="sm"
                fw={600}
                onClick={() => seek({ sort: sort === `-${each.key}` ? each.key : `-${each.key}` })}
              >
                {each.name}
                {each.key === key ? (isDown ? " ↓" : " ↑") : ""}
              </UnstyledButton>
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {shown.map((row) => (
          <Table.Tr key={keyOf(row)}>
            {columns.map((each) => (
              <Table.Td
                key={each.key}
                data-label={each.name}
                className={each.isNumber ? "number" : undefined}
              >
                {each.of(row)}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Cards>
  );
}

/** The rows in order; those of which nothing is known come last, whichever way. */
export function inOrder<Row>(
  rows: Row[],
  by: (row: Row) => number | string | null,
  isDown: boolean,
): Row[] {
  return [...rows].sort((one, other) => {
    const [left, right] = [by(one), by(other)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    const order = left < right ? -1 : left > right ? 1 : 0;
    return isDown ? -order : order;
  });
}
