"""Every document has the token of its room, so that a search looks into each room by itself.

Before, the first 500 matches were counted and the first 250 ranked, whichever room they were of: where the lab has
thousands of options, an article that came later was not found by the words that these have, too.
"""

import hashlib

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TOKENIZER = "tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc Cf' tokenchars '-'\""
TABLES = {"search_index": "title, head, body", "search_title": "title"}
VECTORS = {"search_index": "whole", "search_title": "title"}


def room_token(room: str) -> str:
    """As ``portal.search.engines.room_token`` was when this was written."""
    return f"-{hashlib.sha256(room.encode()).hexdigest()[:16]}"


def bring_in(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    documents = apps.get_model("search", "SearchDocument")
    rooms = list(documents.objects.order_by("room").values_list("room", flat=True).distinct())
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            for table, vector in VECTORS.items():
                # Copied, not updated: rows that were updated leave their old selves behind, by which the planner
                # takes reading the table for dearer than it is.
                cursor.execute(f"ALTER TABLE {table} RENAME TO before_rooms")
                cursor.execute(f"ALTER INDEX {table}_pkey RENAME TO before_rooms_pkey")
                cursor.execute(f"CREATE TABLE {table} (id bigint PRIMARY KEY, {vector} tsvector NOT NULL)")
                if vector == "whole":
                    cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {vector} SET STORAGE MAIN")
                for room in rooms:
                    cursor.execute(
                        f"INSERT INTO {table} SELECT id, {vector} || %s::tsvector FROM before_rooms"
                        " WHERE id IN (SELECT id FROM search_searchdocument WHERE room = %s)",
                        [f"'{room_token(room)}'", room],
                    )
                cursor.execute("DROP TABLE before_rooms")
                cursor.execute(
                    f"CREATE INDEX {table}_{vector} ON {table} USING gin ({vector}) WITH (fastupdate = off)"
                )
            return
        for table, columns in TABLES.items():
            cursor.execute(f"ALTER TABLE {table} RENAME TO before_rooms")
            cursor.execute(
                f"CREATE VIRTUAL TABLE {table} USING fts5({columns}, room, prefix='2 3 4', {TOKENIZER})"
            )
            for room in rooms:
                cursor.execute(
                    f"INSERT INTO {table} (rowid, {columns}, room)"
                    f" SELECT rowid, {columns}, %s FROM before_rooms"
                    " WHERE rowid IN (SELECT id FROM search_searchdocument WHERE room = %s)",
                    [room_token(room), room],
                )
            cursor.execute("DROP TABLE before_rooms")


def put_out(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    documents = apps.get_model("search", "SearchDocument")
    tokens = [room_token(room) for room in documents.objects.values_list("room", flat=True).distinct()]
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            for table, vector in VECTORS.items():
                cursor.execute(f"UPDATE {table} SET {vector} = ts_delete({vector}, %s)", [tokens])
            return
        for table, columns in TABLES.items():
            cursor.execute(f"ALTER TABLE {table} RENAME TO with_rooms")
            cursor.execute(f"CREATE VIRTUAL TABLE {table} USING fts5({columns}, prefix='2 3 4', {TOKENIZER})")
            cursor.execute(f"INSERT INTO {table} (rowid, {columns}) SELECT rowid, {columns} FROM with_rooms")
            cursor.execute("DROP TABLE with_rooms")


class Migration(migrations.Migration):
    dependencies = [("search", "0004_vectors_in_rows")]
    operations = [migrations.RunPython(bring_in, put_out)]
