import "./cards.css";
import { Table, type TableProps } from "@mantine/core";

interface CardsOf extends Omit<TableProps, "miw"> {
  /** Pixels under which it is scrolled; but on a telephone its rows are cards, if it does not fit. */
  width: number;
}

const TELEPHONE = 300; // pixels that are there for a table on the smallest

/** A table that can be read at any width; its cells say in `data-label` of which column they are. */
export function Cards({ width, className = "", ...table }: CardsOf) {
  return (
    <div className="cards-frame">
      <Table
        highlightOnHover
        verticalSpacing={4}
        {...table}
        className={`${width > TELEPHONE ? "cards" : ""} ${className}`}
        style={{ "--cards-width": `${width}px` }}
      />
    </div>
  );
}
