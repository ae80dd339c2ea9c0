"""The index itself, in the form that the database has for it."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQLITE = [
    # Tokens come ready-made, of letters, digits, marks and hyphens; so a hyphen is part of a token.
    "CREATE VIRTUAL TABLE search_index USING fts5(title, head, body, prefix='2 3 4',"
    " tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc Cf' tokenchars '-'\")",
]
POSTGRESQL = [
    "CREATE TABLE search_index (id bigint PRIMARY KEY, title tsvector NOT NULL, whole tsvector NOT NULL)",
    # Not "fast" to update: what is put off then has to be read by every search.
    "CREATE INDEX search_index_title ON search_index USING gin (title) WITH (fastupdate = off)",
    "CREATE INDEX search_index_whole ON search_index USING gin (whole) WITH (fastupdate = off)",
    'CREATE INDEX search_word_c ON search_searchword (word COLLATE "C")',
]


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute("DROP TABLE search_index")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX search_word_c")


class Migration(migrations.Migration):
    dependencies = [("search", "0001_documents")]
    operations = [migrations.RunPython(make, drop)]
