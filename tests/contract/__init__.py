"""What both engines promise alike: each test runs on SQLite and on PostgreSQL."""
