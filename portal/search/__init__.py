"""One search for all rooms: each registers what it has, and one index answers on SQLite and on PostgreSQL."""
