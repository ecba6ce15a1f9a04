import { Button, Tooltip } from "@mantine/core";
import type { Permission } from "../client/types.gen";
import { useMay } from "../session";

interface OpeningOf {
  name: string;
  needs: Permission;
  onClick: () => void;
  size?: "xs" | "compact-xs";
  isFirst?: boolean;
  label?: string;
}

/** A button that opens a form; without the permission it stays, and says which is lacking. */
export function Opening({ name, needs, onClick, size = "xs", isFirst, label }: OpeningOf) {
  const may = useMay(needs);
  return (
    <Tooltip label={`You lack ${needs}`} disabled={may}>
      <Button
        size={size}
        variant={isFirst ? "filled" : "default"}
        disabled={!may}
        onClick={onClick}
        aria-label={label}
      >
        {name}
      </Button>
    </Tooltip>
  );
}
