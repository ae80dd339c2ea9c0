"""Why a text has no author: it came with the portal, or in a file, or its author left."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

#: What the portal itself wrote as the summary of texts that nobody reviewed.
_SUMMARIES = {"First version.": "portal", "Imported from a file.": "file"}


def note_origins(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Texts of members who left were reviewed by somebody, or have words of their own."""
    revisions = apps.get_model("kb", "Revision").objects.filter(author=None, reviewer=None)
    for summary, origin in _SUMMARIES.items():
        revisions.filter(summary=summary).update(origin=origin)


class Migration(migrations.Migration):
    dependencies = [
        ("kb", "0009_pictures_last_sent"),
    ]

    operations = [
        migrations.AddField(
            model_name="revision",
            name="origin",
            field=models.CharField(
                choices=[
                    ("member", "A member"),
                    ("portal", "The portal, which came with it"),
                    ("file", "A file that whoever runs the portal brought"),
                ],
                default="member",
                help_text="Whose word it is where nobody is its author.",
                max_length=6,
            ),
        ),
        migrations.RunPython(note_origins, migrations.RunPython.noop),
    ]
