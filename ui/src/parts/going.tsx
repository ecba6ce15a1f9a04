import { Anchor, type AnchorProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import { type ComponentPropsWithoutRef, forwardRef } from "react";

type Props = AnchorProps & Omit<ComponentPropsWithoutRef<"a">, keyof AnchorProps>;

const Plain = forwardRef<HTMLAnchorElement, Props>((props, ref) => (
  <Anchor ref={ref} underline="always" {...props} />
));

/** A link to another page of ours, which the compiler knows. */
export const Going = createLink(Plain);
