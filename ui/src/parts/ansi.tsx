import "./ansi.css";
import Anser from "anser";
import { seen } from "./exact";

/** So much of a line is shown by itself. */
export const SHOWN = 2_000;

const ESCAPE = "\u001b";

/** Colours that a terminal would show, as spans: never as HTML, and what else controls is told. */
export function Ansi({ text, isWrapped }: { text: string; isWrapped: boolean }) {
  return text.includes(ESCAPE) ? (
    <Coloured text={text} isWrapped={isWrapped} />
  ) : (
    plain(text, isWrapped)
  );
}

function Coloured({ text, isWrapped }: { text: string; isWrapped: boolean }) {
  const parts = Anser.ansiToJson(text, { json: true, remove_empty: true, use_classes: true });
  return parts.map((part, number) => {
    const classes = [
      part.fg && part.fg_truecolor === null && `${part.fg}-fg`,
      part.bg && part.bg_truecolor === null && `${part.bg}-bg`,
      ...(part.decorations ?? []).map((each) => `ansi-${each}`),
    ].filter(Boolean);
    const told = plain(part.content, isWrapped);
    if (!classes.length) return told;
    return (
      <span
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have nothing but their place
        key={number}
        className={classes.join(" ")}
      >
        {told}
      </span>
    );
  });
}

/** The text, of which lines and tabs stay; all else that is not seen is told by its number. */
function plain(text: string, isWrapped: boolean): string {
  const told = text.replace(/[^\t\n]+/g, seen);
  return isWrapped ? told : told.replace(/\n/g, " ⏎ ");
}
