"""What processes count is added up, and a lease on SQLite tells since when its job was pending."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

SQLITE = (
    "ALTER TABLE onbeat_leases ADD COLUMN order_key INTEGER",
    """
    CREATE TABLE onbeat_meters (
        meter TEXT NOT NULL,
        labels TEXT NOT NULL,
        bucket INTEGER NOT NULL,
        number INTEGER NOT NULL,
        seconds REAL NOT NULL,
        CONSTRAINT onbeat_meters_pkey PRIMARY KEY (meter, labels, bucket)
    )
     WITHOUT ROWID,
     STRICT
    """,
)

POSTGRESQL = (
    "ALTER TABLE onbeat_leases ADD COLUMN order_key BIGINT",
    """
    CREATE TABLE onbeat_meters (
        meter TEXT COLLATE "C" NOT NULL,
        labels TEXT COLLATE "C" NOT NULL,
        bucket INTEGER NOT NULL,
        number BIGINT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        CONSTRAINT onbeat_meters_pkey PRIMARY KEY (meter, labels, bucket)
    ) WITH (fillfactor = 50)
    """,
)


def upgrade() -> None:
    """Add the column, and make the table."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0024 cannot be taken back; restore a backup from before")
