import "./hint.css";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { exactMoment } from "./time";

const WAIT = 200; // ms
const GAP = 6; // pixels
const ID = "hint";

/**
 * What is said of that which is under the pointer or in focus: the text of its `data-hint`, or of a
 * moment when exactly it is. One for all of a page: a list has hundreds of such places.
 */
export function Hint() {
  const [of, show] = useState<Element | null>(null);
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    let timer: number | undefined;
    const later = ({ target }: Event) => {
      clearTimeout(timer);
      const found = (target as Element).closest?.("[data-hint], time[datetime]:not([title])");
      timer = window.setTimeout(() => show(found ?? null), found ? WAIT : 0);
    };
    const hide = () => show(null);
    const keyed = ({ key }: KeyboardEvent) => key === "Escape" && hide();
    document.addEventListener("click", hide);
    document.documentElement.addEventListener("pointerleave", hide);
    document.addEventListener("pointerover", later);
    document.addEventListener("focusin", later);
    document.addEventListener("keydown", keyed);
    document.addEventListener("scroll", later, true);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("click", hide);
      document.documentElement.removeEventListener("pointerleave", hide);
      document.removeEventListener("pointerover", later);
      document.removeEventListener("focusin", later);
      document.removeEventListener("keydown", keyed);
      document.removeEventListener("scroll", later, true);
    };
  }, []);

  useLayoutEffect(() => {
    if (!of || !box.current) return;
    place(box.current, of.getBoundingClientRect());
    of.setAttribute("aria-describedby", ID);
    return () => of.removeAttribute("aria-describedby");
  }, [of]);

  const said = of?.isConnected ? (of.getAttribute("data-hint") ?? exactly(of)) : null;
  if (!said) return null;
  return (
    <div ref={box} id={ID} role="tooltip" className="hint">
      {said}
    </div>
  );
}

function exactly(of: Element): string {
  return exactMoment(of.getAttribute("datetime") ?? "");
}

/** Above what it is said of, or below where there is no room; never beyond the sides. */
function place(box: HTMLElement, of: DOMRect): void {
  const { width, height } = box.getBoundingClientRect();
  const above = of.top - height - GAP;
  const left = of.left + of.width / 2 - width / 2;
  box.style.top = `${above < 0 ? of.bottom + GAP : above}px`;
  box.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
}
