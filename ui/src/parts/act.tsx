import { Button, Group, Modal, Stack, Text, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { type UseMutationResult, useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Refused } from "../api";
import type { Permission } from "../client/types.gen";
import { useMay } from "../session";

interface Doing<Given, Made> {
  does: (given: Given) => Promise<Made>;
  /** What is told when it was done; nothing where the page shows it anyway. */
  done?: string | ((made: Made) => string);
  /** The first words of the keys of what is read anew. */
  reads: string[];
  after?: (made: Made) => void;
  /** Whether the page shows itself what was refused; else it is told in a corner. */
  isShown?: boolean;
}

/** Something that changes what is on record: done once, told, and what it touches is read anew. */
export function useAct<Given = void, Made = unknown>({
  does,
  done,
  reads,
  after,
  isShown,
}: Doing<Given, Made>): UseMutationResult<Made, Error, Given> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: does,
    onSuccess: (made) => {
      const message = typeof done === "function" ? done(made) : done;
      if (message) notifications.show({ message, color: "green" });
      after?.(made);
    },
    onError: (error: Error) => {
      if (!isShown) notifications.show({ title: "Not done", message: error.message, color: "red" });
    },
    onSettled: () => {
      for (const each of reads) void queries.invalidateQueries({ queryKey: [each] });
    },
  });
}

interface ActOf extends Doing<void, unknown> {
  name: string;
  /** What one must be allowed; nothing where it is one's own. */
  needs?: Permission;
  /** What is asked before it is done: what it does, to what, to how many. */
  asks?: ReactNode;
  color?: string;
  /** Why it cannot be done now; it stays visible. */
  off?: string | false;
  size?: "xs" | "compact-xs";
}

/** A button that does something; without the permission it stays, and says which is lacking. */
export function Act({ name, needs, asks, color, off, size = "xs", ...doing }: ActOf) {
  const [isAsked, { open, close }] = useDisclosure();
  const may = useMay(needs);
  const act = useAct(doing);
  return (
    <>
      <Tooltip label={may ? off : `You lack ${needs}`} disabled={may && !off}>
        <Button
          size={size}
          variant={color ? "light" : "default"}
          color={color}
          disabled={!may || Boolean(off)}
          loading={act.isPending}
          onClick={() => (asks ? open() : act.mutate())}
        >
          {name}
        </Button>
      </Tooltip>
      {asks && (
        <Asked
          isOpen={isAsked}
          close={close}
          title={`${name}?`}
          name={name}
          color={color}
          act={() => act.mutate()}
        >
          {asks}
        </Asked>
      )}
    </>
  );
}

interface AskedOf {
  isOpen: boolean;
  close: () => void;
  title: string;
  name: string;
  color?: string;
  act: () => void;
  off?: boolean;
  children: ReactNode;
}

/** Asks before something is done that is not easily undone. */
export function Asked({ isOpen, close, title, name, color, act, off, children }: AskedOf) {
  return (
    <Modal opened={isOpen} onClose={close} title={title} centered>
      <Stack>
        <Text size="sm" component="div">
          {children}
        </Text>
        <Group justify="flex-end">
          <Button size="xs" variant="default" onClick={close} data-autofocus>
            Leave it
          </Button>
          <Button
            size="xs"
            color={color}
            disabled={off}
            onClick={() => {
              act();
              close();
            }}
          >
            {name}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** What the server refused, by the field that it named, and by that which holds it. */
export function refusals(error: Error | null): Record<string, string> {
  if (!(error instanceof Refused)) return {};
  const errors = error.problem.errors ?? [];
  return Object.fromEntries(
    errors.flatMap(({ field, detail }) => [
      [field, detail],
      [field.split(".")[0], detail],
    ]),
  );
}
