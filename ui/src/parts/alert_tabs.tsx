import "./alert_tabs.css";
import { Link } from "@tanstack/react-router";
import type { Permission } from "../client/types.gen";
import { useMe } from "../session";

const TABS: { to: string; name: string; needs: Permission }[] = [
  { to: "/alerts", name: "Incidents", needs: "incidents:read" },
  { to: "/alerts/rules", name: "Rules", needs: "incidents:read" },
  { to: "/alerts/channels", name: "Channels", needs: "channels:manage" },
  { to: "/alerts/silences", name: "Silences", needs: "incidents:read" },
  { to: "/alerts/notices", name: "Notices", needs: "channels:manage" },
  { to: "/alerts/noise", name: "Noise", needs: "channels:manage" },
];

/** The pages of what is wrong and who is told of it, one beside the other. */
export function AlertTabs() {
  const may = useMe().data?.permissions ?? [];
  return (
    <nav className="alert-tabs" aria-label="Alerts">
      {TABS.filter((each) => may.includes(each.needs)).map((each) => (
        <Link
          key={each.to}
          to={each.to}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{ "aria-current": "page" }}
        >
          {each.name}
        </Link>
      ))}
    </nav>
  );
}
