import {
  Activity,
  Bell,
  CalendarDays,
  Clock,
  Gauge,
  KeyRound,
  LayoutDashboard,
  ListChecks,
  type LucideIcon,
  ScrollText,
  Server,
  Stethoscope,
  Timer,
  Users,
  Waypoints,
  Webhook,
} from "lucide-react";
import type { Permission } from "./client/types.gen";

export interface Place {
  to: string;
  /** The key after `g` that goes there. */
  key?: string;
  name: string;
  icon: LucideIcon;
  /** Without it the page has nothing to show, and is not offered. */
  needs?: Permission;
  /** What the page shows is of the whole fleet, and of nobody's own. */
  isEverybodys?: boolean;
}

/** Pages that stand beside no place by their own address, and to which each belongs. */
const WITHIN: Record<string, string> = {
  "/operations": "/jobs",
  "/workflows": "/jobs",
  "/new/job": "/jobs",
  "/new/schedule": "/schedules",
  "/edit/schedule": "/schedules",
};

/** The address of the place to which a page belongs. */
export function placeOf(path: string): string {
  const within = Object.keys(WITHIN).find((each) => path.startsWith(each));
  return within ? (WITHIN[within] as string) : `/${path.split("/")[1] ?? ""}`;
}

/** The pages that are offered beside every page, in their order. */
export const PLACES: Place[] = [
  { to: "/", key: "o", name: "Overview", icon: LayoutDashboard },
  { to: "/jobs", key: "j", name: "Jobs", icon: ListChecks, needs: "jobs:read" },
  { to: "/schedules", key: "s", name: "Schedules", icon: Clock, needs: "schedules:read" },
  { to: "/calendar", key: "c", name: "Calendar", icon: CalendarDays, needs: "schedules:read" },
  { to: "/queues", key: "q", name: "Queues", icon: Waypoints, needs: "queues:read" },
  {
    to: "/limits",
    key: "l",
    name: "Limits",
    icon: Gauge,
    needs: "queues:read",
    isEverybodys: true,
  },
  { to: "/workers", key: "w", name: "Workers", icon: Server, needs: "workers:read" },
  { to: "/clocks", name: "Clocks", icon: Timer, needs: "schedules:read", isEverybodys: true },
  {
    to: "/alerts",
    key: "a",
    name: "Alerts",
    icon: Bell,
    needs: "incidents:read",
    isEverybodys: true,
  },
  { to: "/reports", key: "r", name: "Reports", icon: Activity, needs: "jobs:read" },
  { to: "/webhooks", name: "Webhooks", icon: Webhook, needs: "webhooks:write" },
  {
    to: "/audit",
    key: "u",
    name: "Audit",
    icon: ScrollText,
    needs: "audit:read",
    isEverybodys: true,
  },
  { to: "/users", name: "Users", icon: Users, needs: "users:manage", isEverybodys: true },
  { to: "/tokens", name: "Tokens", icon: KeyRound },
  {
    to: "/system",
    key: "y",
    name: "System",
    icon: Stethoscope,
    needs: "workers:read",
    isEverybodys: true,
  },
];
