"""The moment it is, and moments as numbers, in statements of PostgreSQL's."""

from __future__ import annotations

NOW = "coalesce(CAST(:now AS timestamptz), clock_timestamp())"
MOMENT = f"moment AS MATERIALIZED (SELECT {NOW} AS at)"
ORDER_KEY = "CAST(extract(epoch FROM moment.at) * 1000000 AS bigint)"
FROM_MICROS = "timestamptz 'epoch' + {} * interval '1 microsecond'"
