/** How far a verification is, or what came of it. */
export interface Verified {
  jobs?: number;
  report?: { sound: boolean; breaches: string[] };
}

/** What a line of it tells: a breach is told in words, whatever it says besides. */
export function line(text: string): Verified {
  const told = JSON.parse(text) as {
    progress?: { jobs: number };
    report?: { sound: boolean; breaches: Record<string, unknown>[] };
  };
  if (!told.report) return { jobs: told.progress?.jobs };
  const breaches = told.report.breaches.map((each) =>
    typeof each === "string" ? each : Object.values(each).map(String).join(": "),
  );
  return { report: { sound: told.report.sound, breaches } };
}

/** Read its lines as they come. */
export async function read(
  address: URL,
  signal: AbortSignal,
  tell: (found: Verified) => void,
): Promise<void> {
  const answer = await fetch(address, { credentials: "same-origin", signal });
  if (!answer.ok || !answer.body) {
    const problem = (await answer.json().catch(() => null)) as { detail?: string } | null;
    throw new Error(problem?.detail ?? `The server said ${answer.status}.`);
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : (lines.pop() as string);
    for (const each of lines) if (each) tell(line(each));
    if (done) return;
  }
}
