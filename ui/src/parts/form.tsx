import { Button, Group, Modal, Stack } from "@mantine/core";
import type { UseMutationResult } from "@tanstack/react-query";
import type { FormEvent, ReactNode } from "react";
import { refusals } from "./act";
import { Wrong } from "./shown";

interface FormOf {
  isOpen: boolean;
  close: () => void;
  title: string;
  /** What the button says. */
  name: string;
  save: Pick<UseMutationResult<unknown, Error, never>, "error" | "isPending">;
  submit: () => void;
  off?: boolean;
  /** The fields that show themselves what was refused of them. */
  fields: string[];
  children: ReactNode;
}

/** A form in a window; what is refused and belongs to none of its fields stands above it. */
export function Form({ isOpen, close, title, name, save, submit, off, fields, children }: FormOf) {
  const wrong = Object.keys(refusals(save.error));
  const isElsewhere = save.error && !wrong.some((each) => fields.includes(each));

  function sent(event: FormEvent): void {
    event.preventDefault();
    submit();
  }

  return (
    <Modal opened={isOpen} onClose={close} title={title} centered>
      <form onSubmit={sent} noValidate={false}>
        <Stack gap="sm">
          {isElsewhere && save.error && <Wrong error={save.error} />}
          {children}
          <Group justify="flex-end">
            <Button size="xs" variant="default" onClick={close}>
              Leave it
            </Button>
            <Button size="xs" type="submit" loading={save.isPending} disabled={off}>
              {name}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
