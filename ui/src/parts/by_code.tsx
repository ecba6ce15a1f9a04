import { Alert } from "@mantine/core";

/** Of a schedule that code declares: what a change by hand means. */
export function ByCode({ source }: { source: string }) {
  if (!source.startsWith("code")) return null;
  const application = source.slice("code:".length) || "an application";
  return (
    <Alert color="blue" p="xs">
      <b>It is declared in the code of {application}.</b> What is changed here holds until{" "}
      {application} is started the next time: then it says again what the code says. A pause stays.
    </Alert>
  );
}
