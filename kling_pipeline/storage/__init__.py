"""The database file and the ledger in it; SQL that only SQLite knows stands here."""
