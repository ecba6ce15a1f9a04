import "@mantine/core/styles/Checkbox.css";
import "./choosing_boxes.css";
import { Checkbox } from "@mantine/core";
import type { useChosen } from "./choosing";

export type Choosing = ReturnType<typeof useChosen>;

interface BoxOf {
  choosing: Choosing;
  /** The rows of the page, from the top. */
  order: string[];
  /** Whether they are of the list before: none is chosen of them. */
  isOld: boolean;
}

/** Chooses all rows of the page, or none of them. */
export function ChoosePage({ choosing, order, isOld }: BoxOf) {
  const chosen = choosing.isAll
    ? order.length
    : order.filter((id) => choosing.chosen.has(id)).length;
  return (
    <Checkbox
      size="xs"
      aria-label="Choose all on this page"
      disabled={isOld}
      checked={chosen > 0 && chosen === order.length}
      indeterminate={chosen > 0 && chosen < order.length}
      onChange={() => choosing.page(order)}
    />
  );
}

interface OneOf {
  id: string;
  isChosen: boolean;
  click: (id: string, isRange: boolean) => void;
}

/** Chooses one row; with shift, all from the last one to it. */
export function ChooseRow({ id, isChosen, click }: OneOf) {
  return (
    <input
      type="checkbox"
      className="choose"
      aria-label={`Choose ${id}`}
      checked={isChosen}
      onClick={(event) => click(id, event.shiftKey)}
      onChange={() => {}}
    />
  );
}

/** Whether a row is chosen. */
export const isChosen = (choosing: Choosing, id: string): boolean =>
  choosing.isAll || choosing.chosen.has(id);
