import { Alert, Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { copy } from "./copying";

interface SecretOf {
  /** The text; null where there is none to show. */
  text: string | null;
  title: string;
  /** What it is for, and that it is shown this once. */
  about: string;
  close: () => void;
}

/** A text that is shown this once: it is copied from here, or lost. */
export function Secret({ text, title, about, close }: SecretOf) {
  return (
    <Modal
      opened={text !== null}
      onClose={close}
      title={title}
      centered
      closeOnClickOutside={false}
      closeOnEscape={false}
    >
      <Stack>
        <Alert color="yellow">{about}</Alert>
        <Copied text={text ?? ""} label={title} />
        <Group justify="flex-end">
          <Button size="xs" onClick={close}>
            I have kept it
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** A text and a button that copies it. */
function Copied({ text, label }: { text: string; label: string }) {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-end">
      <TextInput
        readOnly
        value={text}
        aria-label={label}
        className="mono"
        style={{ flex: 1 }}
        onFocus={(event) => event.currentTarget.select()}
      />
      <Button variant="default" onClick={() => void copy(text)}>
        Copy
      </Button>
    </Group>
  );
}
