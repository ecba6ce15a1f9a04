"""Every kind of channel; to add one, write a file beside these and name it here."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from onbeat.alerts.channels.apprise import Apprise
from onbeat.alerts.channels.email import Email, Mailer
from onbeat.alerts.channels.outlet import Outlet
from onbeat.alerts.channels.pagerduty import PagerDuty
from onbeat.alerts.channels.slack import Slack
from onbeat.alerts.channels.webhook import Webhook
from onbeat.domain.channels import ChannelKind
from onbeat.outbound.client import Client


def outlets(
    client: Client, mailer: Mailer | None, tls: ssl.SSLContext | None = None
) -> Mapping[ChannelKind, Outlet]:
    """What sends, by kind: requests by `client`, mail by `mailer`."""
    return {
        ChannelKind.SLACK: Slack(client),
        ChannelKind.EMAIL: Email(mailer, tls),
        ChannelKind.WEBHOOK: Webhook(client),
        ChannelKind.PAGERDUTY: PagerDuty(client),
        ChannelKind.APPRISE: Apprise(client),
    }
