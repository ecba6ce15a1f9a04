import type {
  IncidentRuleIn,
  IncidentRuleOut,
  IncidentKind as Kind,
  RuleChange,
  RuleCondition,
} from "../client/types.gen";
import told from "./conditions.json";
import { listed } from "./typed";

export type Condition = RuleCondition;
export const LIMITS = ["times", "share", "least", "window", "longer_than"] as const;
export const SELECTORS = ["tasks", "queues", "schedules", "tags"] as const;
type Limit = (typeof LIMITS)[number];
type Selector = (typeof SELECTORS)[number];

interface Told {
  says: string;
  kinds: Kind[];
  limits: Limit[];
}

/** What rules can look for: in words, of what, and with which limits. */
export const CONDITIONS = told.conditions as Record<Condition, Told>;

/** By what those of a kind are selected. */
export function selectors(kind: string): Selector[] {
  return ((told.selectors as Record<string, string[]>)[kind] ?? []) as Selector[];
}

/** A rule as it stands in the form: each field a text, the empty one where nothing is said. */
export interface RuleTyped extends Record<Limit | Selector, string> {
  name: string;
  condition: Condition;
  kind: Kind;
  severity: string;
  for: string;
  open_after: string;
  close_after: string;
}

/** A new rule of a condition, of which nothing else is said yet. */
export function blank(condition: Condition): RuleTyped {
  const none = Object.fromEntries([...LIMITS, ...SELECTORS].map((each) => [each, ""]));
  return {
    ...(none as Record<Limit | Selector, string>),
    name: "",
    condition,
    kind: CONDITIONS[condition].kinds[0] as Kind,
    severity: "",
    for: "",
    open_after: "",
    close_after: "",
  };
}

/** A rule that there is, as it stands in the form. */
export function typedOf(rule: IncidentRuleOut): RuleTyped {
  const limits = LIMITS.map((each) => [each, String(rule.limits[each] ?? "")]);
  const selected = SELECTORS.map((each) => [each, (rule.selector[each] ?? []).join(", ")]);
  return {
    ...blank(rule.condition),
    ...Object.fromEntries([...limits, ...selected]),
    name: rule.name,
    kind: rule.kind,
    severity: rule.severity,
    for: rule.for,
    open_after: String(rule.open_after),
    close_after: String(rule.close_after),
  };
}

/** What is asked of the server: what was left empty is not said, and patterns are said always. */
export function changeOf(typed: RuleTyped): RuleChange {
  const has = CONDITIONS[typed.condition].limits;
  const numbers = ["times", "share", "least"].filter((each) => has.includes(each as Limit));
  const looks = ["open_after", "close_after"];
  const spans = ["window", "longer_than"].filter((each) => has.includes(each as Limit));
  const texts = typed as unknown as Record<string, string>;
  const said = (name: string) => (texts[name] ?? "").trim();
  return {
    ...Object.fromEntries(
      [...numbers, ...looks].filter(said).map((each) => [each, Number(said(each))]),
    ),
    ...Object.fromEntries(
      ["severity", "for", ...spans].filter(said).map((each) => [each, said(each)]),
    ),
    ...Object.fromEntries(selectors(typed.kind).map((each) => [each, listed(typed[each])])),
  };
}

/** The whole rule, as it is made or tried. */
export function ruleOf(typed: RuleTyped): IncidentRuleIn {
  const { name, condition, kind } = typed;
  return { ...changeOf(typed), name: name.trim(), condition, kind };
}

const WORDS: Record<Limit, (value: string) => string> = {
  times: (value) => (value === "1" ? "once" : `${value} times`),
  share: (value) => `${+(Number(value) * 100).toFixed(2)} %`,
  least: (value) => `of at least ${value}`,
  window: (value) => `within ${value}`,
  longer_than: (value) => `longer than ${value}`,
};

/** From where on its condition holds, in words. */
export function limitsInWords(rule: Pick<IncidentRuleOut, "limits" | "for">): string {
  const limits = LIMITS.flatMap((each) => {
    const value = rule.limits[each];
    return value == null ? [] : [WORDS[each](String(value))];
  });
  const lasts = /^0s?$/.test(rule.for) ? [] : [`for ${rule.for}`];
  return [...limits, ...lasts].join(", ");
}

/** Of which subjects it is, in words. */
export function selectedInWords(rule: Pick<IncidentRuleOut, "kind" | "selector">): string {
  const found = SELECTORS.flatMap((each) => {
    const patterns = rule.selector[each] ?? [];
    return patterns.length ? [`${each} ${patterns.join(", ")}`] : [];
  });
  if (found.length) return found.join(" · ");
  return rule.kind === "system" ? "" : `every ${rule.kind}`;
}
