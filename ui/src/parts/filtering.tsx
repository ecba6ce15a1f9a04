import "@mantine/core/styles/Combobox.css";
import { Autocomplete } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { JobsSought } from "../router";
import { completions, type Known, sought, words } from "./tokens";

interface FilteringOf {
  search: JobsSought;
  seek: (to: JobsSought) => void;
  /** Names that are offered while one types. */
  known: Known;
}

/** The line that narrows a list of jobs; what makes no sense is said at it, and the list stays. */
export function Filtering({ search, seek, known }: FilteringOf) {
  const [typed, setTyped] = useState(words(search));
  const [wrong, setWrong] = useState<string | null>(null);
  const [isOpen, setOpen] = useState(false);
  const offered = completions(typed, known);
  const tokens = new Map(offered.map(({ line, token }) => [line, token]));

  function submit(event: FormEvent): void {
    event.preventDefault();
    const read = sought(typed);
    setWrong(read.wrong);
    if (!read.wrong) seek(read.search);
  }

  return (
    <search>
      <form onSubmit={submit}>
        <Autocomplete
          aria-label="Narrow the list"
          placeholder="state:failed task:charge queue:billing tag:eu error:timeout arg.order_id:42"
          value={typed}
          onChange={(to) => {
            setTyped(to);
            setWrong(null);
          }}
          data={offered.map(({ line }) => line)}
          filter={({ options }) => options}
          renderOption={({ option }) => (
            <span className="mono">{tokens.get(option.value) ?? option.value}</span>
          )}
          selectFirstOptionOnChange={false}
          error={wrong}
          dropdownOpened={isOpen}
          onDropdownOpen={() => setOpen(true)}
          onDropdownClose={() => setOpen(false)}
          onOptionSubmit={(to) => {
            // A word is chosen: its values are offered next.
            if (/[:.]$/.test(to)) requestAnimationFrame(() => setOpen(true));
          }}
          clearable
          onClear={() => seek({})}
          clearButtonProps={{ "aria-label": "Show all" }}
          spellCheck={false}
          autoCapitalize="off"
          classNames={{ input: "mono" }}
        />
      </form>
    </search>
  );
}
