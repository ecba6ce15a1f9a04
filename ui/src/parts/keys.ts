import { useEffect, useRef } from "react";

/** What a key does: alone, or after `g` ("g j"). */
export type Keys = Record<string, () => void>;

const AFTER = 1_200; // ms within which the second key of two is pressed

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Listens for keys where nobody writes and no dialog is open. */
export function useKeys(keys: Keys): void {
  const does = useRef(keys); // the page is drawn anew between two keys, too
  useEffect(() => {
    does.current = keys;
  }, [keys]);
  useEffect(() => {
    let first = "";
    let forget: number | undefined;
    function heard(event: KeyboardEvent): void {
      if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
      if (document.querySelector('[role="dialog"]')) return;
      const pressed = first ? `${first} ${event.key}` : event.key;
      clearTimeout(forget);
      first = "";
      const act = does.current[pressed];
      if (act) {
        event.preventDefault();
        act();
      } else if (event.key === "g") {
        first = "g";
        forget = window.setTimeout(() => {
          first = "";
        }, AFTER);
      }
    }
    document.addEventListener("keydown", heard);
    return () => {
      document.removeEventListener("keydown", heard);
      clearTimeout(forget);
    };
  }, []);
}

/** Moves on to the next row of the page's lists, or back: to the first link in it, else a button. */
export function toRow(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>("main tbody tr")]
    .map((row) => row.querySelector<HTMLElement>("a[href]") ?? row.querySelector("button"))
    .filter((each) => each !== null);
  const now = links.findIndex((each) => each.closest("tr")?.contains(document.activeElement));
  const next = links[now < 0 ? (step > 0 ? 0 : links.length - 1) : now + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** To the line by which the page's list is narrowed. */
export function toFilter(): void {
  document.querySelector<HTMLInputElement>("main search input, main input[type=search]")?.focus();
}
