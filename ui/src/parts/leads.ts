import type {
  ChannelChange,
  ChannelIn,
  ChannelKind,
  ChannelOut,
  ChannelOptionsIn as OptionsIn,
  ChannelOptionsOut as OptionsOut,
} from "../client/types.gen";
import { listed } from "./typed";

/** Where a channel of each kind leads: which fields it takes. */
export const LEADS: Record<ChannelKind, { name: string; fields: Lead[] }> = {
  slack: { name: "Slack", fields: ["url"] },
  email: { name: "E-mail", fields: ["to"] },
  webhook: { name: "Webhook", fields: ["url", "secret"] },
  pagerduty: { name: "PagerDuty", fields: ["key", "url"] },
  apprise: { name: "Apprise", fields: ["url"] },
};
export type Lead = "url" | "to" | "key" | "secret";

export const PATTERNS = ["rules", "kinds", "names", "queues", "tasks", "tags"] as const;
export const SPANS = ["group_wait", "group_interval", "repeat", "cooldown", "gap"] as const;
export const TEXTS = ["quiet", "escalate_after", "escalate_to", "title", "text"] as const;
type Texts = (typeof PATTERNS)[number] | (typeof SPANS)[number] | (typeof TEXTS)[number] | Lead;

/** A channel as it stands in the form: each field a text, the empty one where nothing is said. */
export interface ChannelTyped extends Record<Texts, string> {
  name: string;
  kind: ChannelKind;
  severity: string;
  daily: string;
  changes: string[];
}

const NONE = Object.fromEntries(
  [...PATTERNS, ...SPANS, ...TEXTS, "url", "to", "key", "secret"].map((each) => [each, ""]),
) as Record<Texts, string>;

/** A new channel, of which nothing else is said yet. */
export function blank(kind: ChannelKind): ChannelTyped {
  return { ...NONE, name: "", kind, severity: "warning", daily: "", changes: [] };
}

/** A channel that there is, as it stands in the form: where it leads is not told. */
export function typedOf({ name, kind, options }: ChannelOut): ChannelTyped {
  const told = options as unknown as Record<string, string | null>;
  return {
    ...blank(kind),
    name,
    severity: options.severity,
    daily: String(options.daily),
    changes: options.changes,
    ...Object.fromEntries(PATTERNS.map((each) => [each, options[each].join(", ")])),
    ...Object.fromEntries([...SPANS, ...TEXTS].map((each) => [each, told[each] ?? ""])),
  };
}

/** Where it leads, as far as that was typed. */
function leadOf(typed: ChannelTyped): Pick<ChannelIn, Lead> {
  const said = LEADS[typed.kind].fields.filter((each) => typed[each].trim());
  return Object.fromEntries(
    said.map((each) => [each, each === "to" ? listed(typed.to) : typed[each].trim()]),
  );
}

/** What it is to be told, and how; what is empty is as it is by default. */
function optionsOf(typed: ChannelTyped): OptionsIn {
  return {
    severity: typed.severity as OptionsOut["severity"],
    daily: typed.daily.trim() ? Number(typed.daily) : null,
    changes: typed.changes.length ? (typed.changes as OptionsIn["changes"]) : null,
    ...Object.fromEntries(PATTERNS.map((each) => [each, listed(typed[each])])),
    ...Object.fromEntries([...SPANS, ...TEXTS].map((each) => [each, typed[each].trim() || null])),
  };
}

/** A channel that is to be added. */
export function channelOf(typed: ChannelTyped): ChannelIn {
  const { name, kind } = typed;
  return { name: name.trim(), kind, ...leadOf(typed), options: optionsOf(typed) };
}

/** What of a channel is to change; where it leads stays where nothing was typed. */
export function changeOf(typed: ChannelTyped): ChannelChange {
  return { ...leadOf(typed), options: optionsOf(typed) };
}

/** Of what a channel hears, in words. */
export function hearsInWords(options: OptionsOut): string {
  const patterns = PATTERNS.flatMap((each) =>
    options[each].length ? [`${each} ${options[each].join(", ")}`] : [],
  );
  const severity = options.severity === "critical" ? "critical" : `${options.severity} and worse`;
  return [severity, ...patterns].join(" · ");
}
