import { Table } from "@mantine/core";
import type { RunOut } from "../client/types.gen";
import { local, Moment, moment, nameOf } from "./time";

/** Moments to come by three clocks, on a phone by that of the schedule alone; one on which the
 * offset changes says so.
 */
export function NextRuns({ runs, zone }: { runs: RunOut[]; zone: string }) {
  const mine = nameOf("mine");
  const others = [...new Set([mine, "UTC"])].filter((each) => each !== zone);
  return (
    <Table.ScrollContainer minWidth={300}>
      <Table verticalSpacing={3} aria-label="Next moments">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{zone}</Table.Th>
            {others.map((each) => (
              <Table.Th key={each} visibleFrom="xs">
                {each}
              </Table.Th>
            ))}
            <Table.Th className="number">From now</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {runs.map((each, at) => (
            <Table.Tr key={each.utc}>
              <Table.Td className="mono">
                {local(each.local)}
                {moves(runs[at - 1], each) && (
                  <span title="The clock was moved since the moment before"> ↔ clock moved</span>
                )}
              </Table.Td>
              {others.map((other) => (
                <Table.Td key={other} className="mono" visibleFrom="xs">
                  {moment(each.utc, other === "UTC" ? "UTC" : "mine")}
                </Table.Td>
              ))}
              <Table.Td className="number">
                <Moment at={each.utc} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function moves(before: RunOut | undefined, now: RunOut): boolean {
  const offset = (told: string) => told.slice(19).replace("Z", "+00:00");
  return before !== undefined && offset(before.local) !== offset(now.local);
}
