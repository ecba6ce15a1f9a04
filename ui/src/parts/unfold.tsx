import { Anchor } from "@mantine/core";

interface UnfoldOf {
  name: string;
  isShown: boolean;
  toggle: () => void;
}

/** The name of a thing in a list; pressed, more of it is shown, and pressed again no more. */
export function Unfold({ name, isShown, toggle }: UnfoldOf) {
  return (
    <Anchor
      component="button"
      type="button"
      underline="always"
      size="sm"
      fw={550}
      ta="left"
      style={{ overflowWrap: "anywhere" }}
      aria-expanded={isShown}
      onClick={toggle}
    >
      {name}
    </Anchor>
  );
}
