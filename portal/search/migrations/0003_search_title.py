"""On SQLite, titles get an index of their own: in the index of the whole, a title is found by reading all positions."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "sqlite":
        return
    schema_editor.execute(
        "CREATE VIRTUAL TABLE search_title USING fts5(title, prefix='2 3 4',"
        " tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc Cf' tokenchars '-'\")"
    )
    schema_editor.execute("INSERT INTO search_title (rowid, title) SELECT rowid, title FROM search_index")


def drop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE search_title")


class Migration(migrations.Migration):
    dependencies = [("search", "0002_search_index")]
    operations = [migrations.RunPython(make, drop)]
