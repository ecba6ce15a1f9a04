import { ActionIcon, Tooltip } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { Copy as Sign } from "lucide-react";

/** Puts the text on the clipboard, also over plain http, where browsers offer no clipboard. */
export async function copy(text: string): Promise<void> {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyByHand(text);
    notifications.show({ message: "Copied.", color: "green", autoClose: 1500 });
  } catch {
    notifications.show({ message: "The browser lets nothing be copied.", color: "red" });
  }
}

function copyByHand(text: string): void {
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  // Within what is open in front: the rest of the page cannot be selected then.
  const around = document.activeElement?.closest("[role=dialog]") ?? document.body;
  const before = document.activeElement;
  around.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  if (!isCopied) throw new Error("not copied");
}

/** A small button that copies. */
export function Copy({ text, name }: { text: string | (() => string); name: string }) {
  return (
    <Tooltip label={name}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        aria-label={name}
        onClick={() => void copy(typeof text === "string" ? text : text())}
      >
        <Sign size={13} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
