import { Code } from "@mantine/core";
import { createElement, Fragment } from "react";

/** A text in which what stands between two backticks is code. */
export function Ticked({ text }: { text: string }) {
  const parts = text
    .split("`")
    .map((part, at) => (at % 2 ? createElement(Code, null, part) : part));
  return createElement(Fragment, null, ...parts);
}
