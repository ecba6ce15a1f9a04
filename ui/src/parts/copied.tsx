import { ActionIcon, Tooltip } from "@mantine/core";
import { Check, Copy } from "lucide-react";
import { useState } from "react";

/** A button that copies a text, also where the page was not sent over TLS. */
export function Copied({ text, label = "Copy" }: { text: string; label?: string }) {
  const [isDone, setDone] = useState(false);
  return (
    <Tooltip label={isDone ? "Copied" : label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        aria-label={isDone ? "Copied" : label}
        onBlur={() => setDone(false)}
        onClick={(event) => {
          const button = event.currentTarget;
          void copy(text).then(() => {
            setDone(true);
            button.focus();
          });
        }}
      >
        {isDone ? <Check size={13} /> : <Copy size={13} />}
      </ActionIcon>
    </Tooltip>
  );
}

async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
