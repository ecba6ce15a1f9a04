"""PostgreSQL: any number of processes on one database, which is also their clock."""
