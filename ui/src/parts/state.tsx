import "./state.css";
import {
  Ban,
  Check,
  CircleDashed,
  Clock,
  Hourglass,
  Lock,
  Play,
  TriangleAlert,
  X,
} from "lucide-react";
import type { ReactNode } from "react";

const LOOKS: Record<string, [color: string, icon: ReactNode]> = {
  scheduled: ["gray", <Clock size={12} key="i" />],
  retrying: ["yellow", <Hourglass size={12} key="i" />],
  pending: ["blue", <CircleDashed size={12} key="i" />],
  blocked: ["orange", <Lock size={12} key="i" />],
  running: ["indigo", <Play size={12} key="i" />],
  completed: ["green", <Check size={12} key="i" />],
  failed: ["red", <X size={12} key="i" />],
  cancelled: ["gray", <Ban size={12} key="i" />],
  info: ["blue", <CircleDashed size={12} key="i" />],
  warning: ["yellow", <TriangleAlert size={12} key="i" />],
  error: ["red", <X size={12} key="i" />],
  critical: ["red", <TriangleAlert size={12} key="i" />],
};

/** The state of a job, or how severe an incident is: colour, sign and word. */
export function StateBadge({ of }: { of: string }) {
  const [color, icon] = LOOKS[of] ?? ["gray", null];
  return (
    <span className={`state ${color}`}>
      {icon}
      {of}
    </span>
  );
}
