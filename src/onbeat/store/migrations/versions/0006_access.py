"""Who may come in, what they did, and how often somebody guessed wrong."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQLITE = (
    """
    CREATE TABLE onbeat_users (
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        grants TEXT NOT NULL,
        password TEXT,
        created_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        signed_in_at INTEGER,
        disabled_at INTEGER,
        PRIMARY KEY (id),
        UNIQUE (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_logins (
        digest TEXT NOT NULL,
        user TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        address TEXT NOT NULL,
        agent TEXT NOT NULL,
        PRIMARY KEY (digest)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_logins_by_expiry ON onbeat_logins (expires_at)",
    "CREATE INDEX onbeat_logins_by_user ON onbeat_logins (user)",
    """
    CREATE TABLE onbeat_tokens (
        id TEXT NOT NULL,
        digest TEXT NOT NULL,
        kind TEXT NOT NULL,
        shown TEXT NOT NULL,
        name TEXT NOT NULL,
        user TEXT,
        scopes TEXT NOT NULL,
        owner TEXT,
        created_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        expires_at INTEGER,
        used_at INTEGER,
        revoked_at INTEGER,
        PRIMARY KEY (id),
        UNIQUE (digest)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_tokens_by_user ON onbeat_tokens (user)",
    """
    CREATE TABLE onbeat_audit (
        id TEXT NOT NULL,
        at INTEGER NOT NULL,
        actor_kind TEXT NOT NULL,
        actor TEXT NOT NULL,
        actor_name TEXT NOT NULL,
        action TEXT NOT NULL,
        subject_kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        "before" TEXT,
        "after" TEXT,
        address TEXT,
        request TEXT,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_audit_by_action ON onbeat_audit (action, id)",
    "CREATE INDEX onbeat_audit_by_actor ON onbeat_audit (actor_name, id)",
    "CREATE INDEX onbeat_audit_by_subject ON onbeat_audit (subject_kind, subject, id)",
    """
    CREATE TABLE onbeat_guesses (
        subject TEXT NOT NULL,
        count INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        closed_until INTEGER,
        PRIMARY KEY (subject)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_guesses_by_moment ON onbeat_guesses (last_at)",
)

POSTGRESQL = (
    """
    CREATE TABLE onbeat_users (
        id UUID NOT NULL,
        name TEXT COLLATE "C" NOT NULL,
        role TEXT COLLATE "C" NOT NULL,
        grants JSONB NOT NULL,
        password TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_by TEXT NOT NULL,
        signed_in_at TIMESTAMP WITH TIME ZONE,
        disabled_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (id),
        UNIQUE (name)
    )
    """,
    """
    CREATE TABLE onbeat_logins (
        digest TEXT COLLATE "C" NOT NULL,
        "user" UUID NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        address TEXT NOT NULL,
        agent TEXT NOT NULL,
        PRIMARY KEY (digest)
    )
    """,
    "CREATE INDEX onbeat_logins_by_expiry ON onbeat_logins (expires_at)",
    'CREATE INDEX onbeat_logins_by_user ON onbeat_logins ("user")',
    """
    CREATE TABLE onbeat_tokens (
        id UUID NOT NULL,
        digest TEXT COLLATE "C" NOT NULL,
        kind TEXT COLLATE "C" NOT NULL,
        shown TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        "user" UUID,
        scopes JSONB NOT NULL,
        owner TEXT COLLATE "C",
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_by TEXT NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE,
        used_at TIMESTAMP WITH TIME ZONE,
        revoked_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (id),
        UNIQUE (digest)
    )
    """,
    'CREATE INDEX onbeat_tokens_by_user ON onbeat_tokens ("user")',
    """
    CREATE TABLE onbeat_audit (
        id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        actor_kind TEXT COLLATE "C" NOT NULL,
        actor TEXT COLLATE "C" NOT NULL,
        actor_name TEXT COLLATE "C" NOT NULL,
        action TEXT COLLATE "C" NOT NULL,
        subject_kind TEXT COLLATE "C" NOT NULL,
        subject TEXT COLLATE "C" NOT NULL,
        before JSONB,
        after JSONB,
        address TEXT,
        request TEXT COLLATE "C",
        PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX onbeat_audit_by_action ON onbeat_audit (action, id)",
    "CREATE INDEX onbeat_audit_by_actor ON onbeat_audit (actor_name, id)",
    "CREATE INDEX onbeat_audit_by_subject ON onbeat_audit (subject_kind, subject, id)",
    """
    CREATE TABLE onbeat_guesses (
        subject TEXT COLLATE "C" NOT NULL,
        count INTEGER NOT NULL,
        last_at TIMESTAMP WITH TIME ZONE NOT NULL,
        closed_until TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (subject)
    )
    """,
    "CREATE INDEX onbeat_guesses_by_moment ON onbeat_guesses (last_at)",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0006 cannot be taken back; restore a backup from before")
