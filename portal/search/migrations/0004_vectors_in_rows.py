"""On PostgreSQL, vectors stay in their rows where these fit a page.

Out of line (TOAST), each row that is looked at costs a fetch of which the planner knows nothing: it then took reading
all rows for cheaper than the GIN index.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def bring_in(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute("ALTER TABLE search_index ALTER COLUMN whole SET STORAGE MAIN")
    # A value that is only copied would stay where it is.
    schema_editor.execute("UPDATE search_index SET whole = whole || ''::tsvector")


def put_out(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE search_index ALTER COLUMN whole SET STORAGE EXTENDED")


class Migration(migrations.Migration):
    dependencies = [("search", "0003_search_title")]
    operations = [migrations.RunPython(bring_in, put_out)]
