import "@mantine/core/styles/Kbd.css";
import { Kbd, Modal, Table } from "@mantine/core";
import type { Place } from "../places";

interface SheetOf {
  isOpen: boolean;
  close: () => void;
  places: Place[];
}

const OTHERS: [keys: string, what: string][] = [
  ["Ctrl K", "go anywhere (⌘ K)"],
  ["/", "to the line that narrows the list"],
  ["j", "the next row"],
  ["k", "the row before"],
  ["Enter", "open it"],
  ["p", "pause live updates, or go on"],
  ["z", "the zone: mine, or UTC"],
  ["t", "dark or light"],
  ["?", "this sheet"],
];

/** Which key does what. */
export function Sheet({ isOpen, close, places }: SheetOf) {
  const pages = places.flatMap(({ key, name }): [string, string][] =>
    key ? [[`g ${key}`, name]] : [],
  );
  return (
    <Modal opened={isOpen} onClose={close} title="Keys">
      <Table withRowBorders={false} verticalSpacing={2}>
        <Table.Tbody>
          {[...pages, ...OTHERS].map(([keys, what]) => (
            <Table.Tr key={keys}>
              <Table.Td>
                {keys.split(" ").map((each) => (
                  <Kbd key={each} size="xs" mr={4}>
                    {each}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{what}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
