import "./ansi.css";
import Anser from "anser";
import { seen } from "./exact";

const ESCAPE = "\u001b";

/** Colours that a terminal would show, as elements: never as HTML, and what else controls is told. */
export function ansi(text: string, isWrapped: boolean): (Element | string)[] {
  if (!text.includes(ESCAPE)) return [plain(text, isWrapped)];
  const parts = Anser.ansiToJson(text, { json: true, remove_empty: true, use_classes: true });
  return parts.map((part) => {
    const classes = [
      part.fg && part.fg_truecolor === null && `${part.fg}-fg`,
      part.bg && part.bg_truecolor === null && `${part.bg}-bg`,
      ...(part.decorations ?? []).map((each) => `ansi-${each}`),
    ].filter(Boolean);
    const told = plain(part.content, isWrapped);
    if (!classes.length) return told;
    const span = document.createElement("span");
    span.className = classes.join(" ");
    span.textContent = told;
    return span;
  });
}

/** The text, of which lines and tabs stay; all else that is not seen is told by its number. */
function plain(text: string, isWrapped: boolean): string {
  const told = text.replace(/[^\t\n]+/g, seen);
  return isWrapped ? told : told.replace(/\n/g, " ⏎ ");
}
