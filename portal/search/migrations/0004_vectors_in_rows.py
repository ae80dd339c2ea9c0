"""On PostgreSQL, vectors stay in their rows where these fit a page.

Out of line (TOAST), each row that is looked at costs a fetch of which the planner knows nothing: it then took reading
all rows for cheaper than the GIN index. Titles get a table of their own, whose rows are short: of frequent words the
first rows are soon read.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


FORTH = [
    "ALTER TABLE search_index ALTER COLUMN whole SET STORAGE MAIN",
    # A value that is only copied would stay where it is.
    "UPDATE search_index SET whole = whole || ''::tsvector",
    "CREATE TABLE search_title (id bigint PRIMARY KEY, title tsvector NOT NULL)",
    "INSERT INTO search_title SELECT id, title FROM search_index",
    "CREATE INDEX search_title_title ON search_title USING gin (title) WITH (fastupdate = off)",
    "ALTER TABLE search_index DROP COLUMN title",
]
BACK = [
    "ALTER TABLE search_index ADD COLUMN title tsvector",
    "UPDATE search_index SET title = search_title.title FROM search_title WHERE search_title.id = search_index.id",
    "ALTER TABLE search_index ALTER COLUMN title SET NOT NULL",
    "CREATE INDEX search_index_title ON search_index USING gin (title) WITH (fastupdate = off)",
    "DROP TABLE search_title",
    "ALTER TABLE search_index ALTER COLUMN whole SET STORAGE EXTENDED",
]


def bring_in(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in FORTH if schema_editor.connection.vendor == "postgresql" else ():
        schema_editor.execute(statement)


def put_out(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in BACK if schema_editor.connection.vendor == "postgresql" else ():
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("search", "0003_search_title")]
    operations = [migrations.RunPython(bring_in, put_out)]
