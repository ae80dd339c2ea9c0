import django.db.models.deletion
import django.utils.timezone
import events.models.care
import events.models.meetups
import events.models.people
import portal.accounts.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameField("meetup", "venue", "venue_notes"),
        migrations.AlterField(
            model_name="meetup",
            name="venue_notes",
            field=models.TextField(
                blank=True,
                help_text="How to get in, on which floor; or the whole place in words. Plain text.",
            ),
        ),
        migrations.CreateModel(
            name="DateOption",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "ical_uid",
                    models.CharField(
                        default=events.models.meetups.new_ical_uid,
                        editable=False,
                        max_length=255,
                        unique=True,
                    ),
                ),
            ],
            options={
                "ordering": ["starts_at", "pk"],
            },
        ),
        migrations.AddField(
            model_name="chapter",
            name="code_of_conduct",
            field=models.TextField(
                blank=True, help_text="What holds here beside the community's code of conduct. Plain text."
            ),
        ),
        migrations.AddField(
            model_name="chapter",
            name="how_to_help",
            field=models.TextField(blank=True, help_text="What the chapter needs: rooms, talks, hands."),
        ),
        migrations.AddField(
            model_name="chaptermembership",
            name="takes_reports",
            field=models.BooleanField(
                default=False,
                help_text="Named on the chapter's page as somebody to whom problems are reported.",
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="announced_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="When followers of the chapter were told.", null=True
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="asks_reconfirmation",
            field=models.BooleanField(
                default=False, help_text="48 hours before, everybody is asked whether they still come."
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="cancel_reason",
            field=models.TextField(blank=True, help_text="Everybody who signed up reads it."),
        ),
        migrations.AddField(
            model_name="meetup",
            name="capacity",
            field=models.PositiveIntegerField(
                blank=True, help_text="Seats, guests included. Empty: no limit.", null=True
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="changed_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                editable=False,
                help_text="Last change that a calendar or a reader would see.",
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="guests_allowed",
            field=models.PositiveSmallIntegerField(default=0, help_text="Guests that each person may bring."),
        ),
        migrations.AddField(
            model_name="meetup",
            name="is_detached",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text="Edited alone: changes to the series leave it as it is.",
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="lock_version",
            field=models.PositiveBigIntegerField(
                default=0,
                editable=False,
                help_text="Raised first in every transaction that changes seats: a row lock.",
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="offer_hours",
            field=models.PositiveSmallIntegerField(
                default=24, help_text="How long a seat that is offered is held."
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="online_url",
            field=models.URLField(
                blank=True, help_text="Shown only to those who come, and in no shared feed.", max_length=500
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="recap",
            field=models.TextField(blank=True, help_text="How it was. Plain text."),
        ),
        migrations.AddField(
            model_name="meetup",
            name="recap_path",
            field=models.CharField(
                blank=True, help_text="Address here of an article that tells more: /kb/…/", max_length=200
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="registration_closes_at",
            field=models.DateTimeField(blank=True, help_text="Empty: when the meetup starts.", null=True),
        ),
        migrations.AddField(
            model_name="meetup",
            name="registration_opens_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="meetup",
            name="series_day",
            field=models.DateField(
                blank=True,
                editable=False,
                help_text="The day that the rule gave; kept when it is moved.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="source",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="Where it was imported from: meetup.com:123456",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="meetup",
            name="takes_rsvps",
            field=models.BooleanField(default=True, help_text="Whether people can sign up here."),
        ),
        migrations.AddField(
            model_name="meetup",
            name="waitlist",
            field=models.CharField(
                choices=[
                    ("auto", "The next who fits gets a free seat at once"),
                    ("offer", "The next who fits is offered a free seat for some hours"),
                    ("off", "No waitlist"),
                ],
                default="auto",
                max_length=5,
            ),
        ),
        migrations.CreateModel(
            name="Announcement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "audience",
                    models.CharField(
                        choices=[
                            ("going", "Everybody who comes"),
                            ("all", "Everybody who signed up, those who wait included"),
                            ("followers", "Everybody who follows the chapter"),
                        ],
                        default="going",
                        max_length=10,
                    ),
                ),
                ("subject", models.CharField(max_length=120)),
                ("text", models.TextField(max_length=5000)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "chapter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="announcements",
                        to="events.chapter",
                    ),
                ),
                (
                    "meetup",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="announcements",
                        to="events.meetup",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="AuditLog",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "act",
                    models.CharField(
                        help_text="A verb and a noun: cancel_meetup, accept_application.", max_length=40
                    ),
                ),
                (
                    "detail",
                    models.JSONField(blank=True, default=dict, help_text="What changed; no mail addresses."),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "chapter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="acts",
                        to="events.chapter",
                    ),
                ),
                (
                    "meetup",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="acts",
                        to="events.meetup",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        blank=True, help_text="In lower case; empty for a member.", max_length=254
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="As they gave it; empty for a member.", max_length=80
                    ),
                ),
                ("reason", models.CharField(blank=True, help_text="For the organizers.", max_length=500)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "blocked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "chapter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocks",
                        to="events.chapter",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CalendarToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "token",
                    models.CharField(
                        default=events.models.care.new_calendar_token, max_length=64, unique=True
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calendar_token",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ChapterFollow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        blank=True, help_text="In lower case; empty for a member.", max_length=254
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="As they gave it; empty for a member.", max_length=80
                    ),
                ),
                (
                    "notify",
                    models.CharField(
                        choices=[
                            ("each", "At once, one mail for each new meetup"),
                            ("weekly", "Once a week, everything in one mail"),
                            ("none", "No mail"),
                        ],
                        default="each",
                        max_length=6,
                    ),
                ),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("digest_sent_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "chapter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="follows",
                        to="events.chapter",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CoHost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("asked", "Asked"), ("accepted", "Agreed"), ("declined", "Declined")],
                        default="asked",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "chapter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="co_hosted",
                        to="events.chapter",
                    ),
                ),
                (
                    "meetup",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="co_hosts",
                        to="events.meetup",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Conference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("city", models.CharField(max_length=80)),
                ("country", models.CharField(max_length=80)),
                ("year", models.PositiveSmallIntegerField()),
                (
                    "starts_on",
                    models.DateField(blank=True, help_text="Empty: only the year is known.", null=True),
                ),
                ("ends_on", models.DateField(blank=True, null=True)),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC", max_length=64, validators=[portal.accounts.models.validate_time_zone]
                    ),
                ),
                ("website", models.URLField(blank=True, max_length=500)),
                ("description", models.TextField(blank=True, help_text="Plain text.")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["-year", "name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("starts_on__isnull", True),
                            ("ends_on__isnull", True),
                            ("ends_on__gte", models.F("starts_on")),
                            _connector="OR",
                        ),
                        name="conference_ends_after_it_starts",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConferenceDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("date", models.DateField(blank=True, null=True)),
                ("title", models.CharField(blank=True, help_text="What the day was about.", max_length=120)),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="events.conference",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="DatePoll",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "closes_at",
                    models.DateTimeField(
                        blank=True, help_text="No votes after this. Empty: when closed.", null=True
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "chosen",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="events.dateoption",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "meetup",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="polls", to="events.meetup"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="dateoption",
            name="poll",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="options", to="events.datepoll"
            ),
        ),
        migrations.CreateModel(
            name="DateBallot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        blank=True, help_text="In lower case; empty for a member.", max_length=254
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="As they gave it; empty for a member.", max_length=80
                    ),
                ),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("hides_name", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "poll",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ballots",
                        to="events.datepoll",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="DateVote",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "choice",
                    models.CharField(
                        choices=[("yes", "Yes"), ("if_need_be", "If need be"), ("no", "No")], max_length=10
                    ),
                ),
                (
                    "voted_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="When this choice was made: the order in which yes-votes get seats.",
                    ),
                ),
                (
                    "ballot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="votes",
                        to="events.dateballot",
                    ),
                ),
                (
                    "option",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="votes",
                        to="events.dateoption",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MeetupSeries",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=120)),
                (
                    "rule",
                    models.CharField(
                        help_text="RFC 5545 RRULE, such as FREQ=MONTHLY;BYDAY=2SA.", max_length=200
                    ),
                ),
                ("starts_on", models.DateField(help_text="First day, on the wall calendar of the zone.")),
                (
                    "starts_at_time",
                    models.TimeField(help_text="Wall-clock time; it stays when the clocks change."),
                ),
                ("minutes", models.PositiveIntegerField(default=120)),
                (
                    "time_zone",
                    models.CharField(
                        default="Asia/Kolkata",
                        max_length=64,
                        validators=[portal.accounts.models.validate_time_zone],
                    ),
                ),
                ("until", models.DateField(blank=True, help_text="Last day. Empty: it goes on.", null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "chapter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="series",
                        to="events.chapter",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "meetup series",
            },
        ),
        migrations.AddField(
            model_name="meetup",
            name="series",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="meetups",
                to="events.meetupseries",
            ),
        ),
        migrations.CreateModel(
            name="OrganizerApplication",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "city",
                    models.CharField(blank=True, help_text="A city that has no chapter yet.", max_length=80),
                ),
                ("country", models.CharField(default="India", max_length=80)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("volunteer", "Volunteer"),
                            ("check_in", "Check-in"),
                            ("organizer", "Organizer"),
                            ("lead", "Lead organizer"),
                        ],
                        default="organizer",
                        max_length=10,
                    ),
                ),
                (
                    "motivation",
                    models.TextField(help_text="What they would do, and what they have to bring."),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("in_review", "In review"),
                            ("on_hold", "On hold"),
                            ("accepted", "Accepted"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="new",
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reason",
                    models.TextField(blank=True, help_text="Of the decision; the applicant reads it."),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "applicant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="organizer_applications",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "chapter",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="applications",
                        to="events.chapter",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="ApplicationMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("is_note", models.BooleanField(default=False, help_text="The applicant does not see it.")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="events.organizerapplication",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Photo",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "image",
                    models.ImageField(
                        height_field="height", max_length=200, upload_to="photos/%Y/%m/", width_field="width"
                    ),
                ),
                ("width", models.PositiveIntegerField(default=0, editable=False)),
                ("height", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "alt",
                    models.CharField(help_text="What it shows, for those who do not see it.", max_length=250),
                ),
                (
                    "has_consent",
                    models.BooleanField(
                        default=False,
                        help_text="Everybody who can be recognised agreed to its being shown here.",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "meetup",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="photos", to="events.meetup"
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ProblemReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "contact",
                    models.EmailField(
                        blank=True, help_text="Where an answer may go. Empty: anonymous.", max_length=254
                    ),
                ),
                ("text", models.TextField(max_length=5000)),
                (
                    "status",
                    models.CharField(
                        choices=[("new", "New"), ("in_hand", "In hand"), ("closed", "Closed")],
                        default="new",
                        max_length=8,
                    ),
                ),
                ("notes", models.TextField(blank=True, help_text="Of those who handle it.")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "chapter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="problem_reports",
                        to="events.chapter",
                    ),
                ),
                (
                    "handled_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "meetup",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="events.meetup",
                    ),
                ),
                (
                    "reporter",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("text", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("text", "A line of text"),
                            ("yes_no", "Yes or no"),
                            ("choice", "One of several"),
                        ],
                        default="text",
                        max_length=6,
                    ),
                ),
                (
                    "choices",
                    models.JSONField(blank=True, default=list, help_text="For one of several: their texts."),
                ),
                ("is_required", models.BooleanField(default=False)),
                (
                    "counted_as",
                    models.CharField(
                        blank=True,
                        help_text="For yes or no, shown on the page: “have a machine with nested KVM”.",
                        max_length=120,
                    ),
                ),
                (
                    "meetup",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="questions",
                        to="events.meetup",
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Rsvp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        blank=True, help_text="In lower case; empty for a member.", max_length=254
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="As they gave it; empty for a member.", max_length=80
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("unconfirmed", "Waiting for you to confirm by e-mail"),
                            ("going", "Going"),
                            ("maybe", "Maybe"),
                            ("waitlisted", "On the waitlist"),
                            ("offered", "A seat is offered"),
                            ("declined", "Not coming"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "wanted",
                    models.CharField(
                        choices=[
                            ("unconfirmed", "Waiting for you to confirm by e-mail"),
                            ("going", "Going"),
                            ("maybe", "Maybe"),
                            ("waitlisted", "On the waitlist"),
                            ("offered", "A seat is offered"),
                            ("declined", "Not coming"),
                        ],
                        default="going",
                        help_text="What an unconfirmed row becomes: going, or maybe.",
                        max_length=12,
                    ),
                ),
                ("guests", models.PositiveSmallIntegerField(default=0)),
                (
                    "queued_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Place in the waitlist. Kept until they leave or want more seats.",
                    ),
                ),
                ("offer_expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "code",
                    models.CharField(
                        default=events.models.people.new_code,
                        help_text="Shown at the door.",
                        max_length=10,
                        unique=True,
                    ),
                ),
                ("checked_in_at", models.DateTimeField(blank=True, null=True)),
                (
                    "hides_name",
                    models.BooleanField(
                        default=False, help_text="Others read “somebody”; organizers the name."
                    ),
                ),
                (
                    "sponsor_consent",
                    models.BooleanField(
                        default=False, help_text="Sponsors of this meetup may be given the name and address."
                    ),
                ),
                (
                    "reconfirmed_for",
                    models.DateTimeField(
                        blank=True, help_text="The start for which they said again that they come.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "checked_in_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "meetup",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rsvps", to="events.meetup"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=500)),
                (
                    "question",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answers",
                        to="events.question",
                    ),
                ),
                (
                    "rsvp",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="answers", to="events.rsvp"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Speaker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=80)),
                (
                    "affiliation",
                    models.CharField(blank=True, help_text="Today's; a talk keeps its own.", max_length=120),
                ),
                ("bio", models.TextField(blank=True, help_text="Plain text.", max_length=2000)),
                (
                    "user",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="speaker",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Talk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=100, unique=True)),
                ("title", models.CharField(max_length=160)),
                (
                    "abstract",
                    models.TextField(blank=True, help_text="Plain text; an empty line starts a paragraph."),
                ),
                (
                    "topic",
                    models.CharField(
                        blank=True, help_text="In a word or two: migration, block layer.", max_length=60
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="talks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["title"],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("talk", "Talk"),
                            ("keynote", "Keynote"),
                            ("lightning", "Lightning talk"),
                            ("workshop", "Workshop"),
                            ("discussion", "Discussion"),
                        ],
                        default="talk",
                        max_length=10,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "note",
                    models.TextField(blank=True, help_text="To the organizers, from whoever proposes it."),
                ),
                ("reason", models.TextField(blank=True, help_text="Of the decision; the speaker reads it.")),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "chapter",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="events.chapter",
                    ),
                ),
                (
                    "day",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="events.conferenceday",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "meetup",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="sessions",
                        to="events.meetup",
                    ),
                ),
                (
                    "talk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sessions", to="events.talk"
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Resource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("slides", "Slides"),
                            ("video", "Video"),
                            ("code", "Code"),
                            ("notes", "Notes"),
                        ],
                        max_length=6,
                    ),
                ),
                ("url", models.URLField(blank=True, help_text="Empty: no copy is known.", max_length=500)),
                (
                    "condition",
                    models.CharField(
                        choices=[("good", "Good"), ("damaged", "Damaged"), ("missing", "Missing")],
                        default="good",
                        max_length=8,
                    ),
                ),
                (
                    "note",
                    models.CharField(blank=True, help_text="Such as: the sound is broken.", max_length=200),
                ),
                (
                    "alive",
                    models.CharField(
                        choices=[
                            ("unknown", "Not checked yet"),
                            ("yes", "Answers"),
                            ("no", "Does not answer"),
                        ],
                        default="unknown",
                        editable=False,
                        max_length=8,
                    ),
                ),
                ("checked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "check_result",
                    models.CharField(
                        blank=True, editable=False, help_text="HTTP 404, timed out.", max_length=200
                    ),
                ),
                (
                    "failures",
                    models.PositiveSmallIntegerField(default=0, editable=False, help_text="In a row."),
                ),
                (
                    "session",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resources",
                        to="events.session",
                    ),
                ),
                (
                    "talk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resources",
                        to="events.talk",
                    ),
                ),
            ],
            options={
                "ordering": ["kind", "pk"],
            },
        ),
        migrations.CreateModel(
            name="TalkSpeaker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("affiliation", models.CharField(blank=True, max_length=120)),
                (
                    "speaker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="speaking",
                        to="events.speaker",
                    ),
                ),
                (
                    "talk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="speaking", to="events.talk"
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
            },
        ),
        migrations.AddField(
            model_name="talk",
            name="speakers",
            field=models.ManyToManyField(
                blank=True, related_name="talks", through="events.TalkSpeaker", to="events.speaker"
            ),
        ),
        migrations.CreateModel(
            name="Track",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tracks",
                        to="events.conference",
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
            },
        ),
        migrations.AddField(
            model_name="session",
            name="track",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="sessions",
                to="events.track",
            ),
        ),
        migrations.CreateModel(
            name="TripReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("title", models.CharField(max_length=160)),
                (
                    "author_name",
                    models.CharField(blank=True, help_text="For somebody without an account.", max_length=80),
                ),
                ("introduction", models.TextField(blank=True, help_text="Plain text.")),
                (
                    "published_at",
                    models.DateTimeField(blank=True, help_text="Empty: a draft of its author.", null=True),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="trip_reports",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trip_reports",
                        to="events.conference",
                    ),
                ),
            ],
            options={
                "ordering": [
                    models.OrderBy(models.F("published_at"), descending=True, nulls_first=True),
                    "pk",
                ],
            },
        ),
        migrations.CreateModel(
            name="TripReportEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField(help_text="Plain text.")),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="events.tripreport",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trip_entries",
                        to="events.session",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Venue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("address", models.TextField(blank=True, max_length=500)),
                (
                    "accessibility",
                    models.TextField(
                        blank=True,
                        help_text="Steps, lift, doors, toilets, hearing loop, parking, transport.",
                        max_length=1000,
                    ),
                ),
                ("map_url", models.URLField(blank=True, help_text="A link to a map.", max_length=500)),
                (
                    "latitude",
                    models.DecimalField(
                        blank=True, decimal_places=5, help_text="WGS 84.", max_digits=8, null=True
                    ),
                ),
                (
                    "longitude",
                    models.DecimalField(
                        blank=True, decimal_places=5, help_text="WGS 84.", max_digits=8, null=True
                    ),
                ),
                (
                    "room_for",
                    models.PositiveIntegerField(blank=True, help_text="People it holds.", null=True),
                ),
                (
                    "chapter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="venues",
                        to="events.chapter",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="meetup",
            name="venue",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="meetups",
                to="events.venue",
            ),
        ),
        migrations.AddConstraint(
            model_name="meetup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("registration_opens_at__isnull", True),
                    ("registration_closes_at__isnull", True),
                    ("registration_closes_at__gt", models.F("registration_opens_at")),
                    _connector="OR",
                ),
                name="meetup_registration_closes_after_it_opens",
            ),
        ),
        migrations.AddConstraint(
            model_name="meetup",
            constraint=models.UniqueConstraint(
                condition=models.Q(("series__isnull", False), ("series_day__isnull", False)),
                fields=("series", "series_day"),
                name="one_meetup_per_day_of_series",
            ),
        ),
        migrations.AddConstraint(
            model_name="meetup",
            constraint=models.UniqueConstraint(
                condition=models.Q(("source", ""), _negated=True),
                fields=("source",),
                name="meetup_imported_once",
            ),
        ),
        migrations.AddIndex(
            model_name="auditlog",
            index=models.Index(fields=["chapter", "-created_at"], name="acts_of_chapter"),
        ),
        migrations.AddConstraint(
            model_name="block",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("email", ""), ("user__isnull", False)),
                    models.Q(("user__isnull", True), models.Q(("email", ""), _negated=True)),
                    _connector="OR",
                ),
                name="block_of_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="block",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False)),
                fields=("chapter", "user"),
                name="one_block_of_member",
            ),
        ),
        migrations.AddConstraint(
            model_name="block",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", True)),
                fields=("chapter", "email"),
                name="one_block_of_address",
            ),
        ),
        migrations.AddIndex(
            model_name="chapterfollow",
            index=models.Index(fields=["chapter", "confirmed_at"], name="follow_of_chapter"),
        ),
        migrations.AddConstraint(
            model_name="chapterfollow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("email", ""), ("user__isnull", False)),
                    models.Q(("user__isnull", True), models.Q(("email", ""), _negated=True)),
                    _connector="OR",
                ),
                name="follow_of_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="chapterfollow",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False)),
                fields=("chapter", "user"),
                name="one_follow_of_member",
            ),
        ),
        migrations.AddConstraint(
            model_name="chapterfollow",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", True)),
                fields=("chapter", "email"),
                name="one_follow_of_address",
            ),
        ),
        migrations.AddConstraint(
            model_name="cohost",
            constraint=models.UniqueConstraint(fields=("meetup", "chapter"), name="co_host_once"),
        ),
        migrations.AddConstraint(
            model_name="conferenceday",
            constraint=models.UniqueConstraint(fields=("conference", "number"), name="conference_day_once"),
        ),
        migrations.AddConstraint(
            model_name="datepoll",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True)), fields=("meetup",), name="one_open_poll"
            ),
        ),
        migrations.AddConstraint(
            model_name="dateoption",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="option_ends_after_it_starts"
            ),
        ),
        migrations.AddConstraint(
            model_name="dateoption",
            constraint=models.UniqueConstraint(fields=("poll", "starts_at"), name="option_once"),
        ),
        migrations.AddConstraint(
            model_name="dateballot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("email", ""), ("user__isnull", False)),
                    models.Q(("user__isnull", True), models.Q(("email", ""), _negated=True)),
                    _connector="OR",
                ),
                name="ballot_of_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="dateballot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False)),
                fields=("poll", "user"),
                name="one_ballot_of_member",
            ),
        ),
        migrations.AddConstraint(
            model_name="dateballot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", True)),
                fields=("poll", "email"),
                name="one_ballot_of_address",
            ),
        ),
        migrations.AddIndex(
            model_name="datevote",
            index=models.Index(fields=["option", "choice", "voted_at"], name="votes_in_order"),
        ),
        migrations.AddConstraint(
            model_name="datevote",
            constraint=models.UniqueConstraint(fields=("ballot", "option"), name="one_vote"),
        ),
        migrations.AddIndex(
            model_name="organizerapplication",
            index=models.Index(fields=["status", "created_at"], name="application_by_status"),
        ),
        migrations.AddConstraint(
            model_name="organizerapplication",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("chapter__isnull", False), models.Q(("city", ""), _negated=True), _connector="OR"
                ),
                name="application_names_a_place",
            ),
        ),
        migrations.AddConstraint(
            model_name="organizerapplication",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["accepted", "rejected"]), _negated=True),
                    ("decided_at__isnull", False),
                    _connector="OR",
                ),
                name="decided_application_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="organizerapplication",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("chapter__isnull", False), ("status__in", ["new", "in_review", "on_hold"])
                ),
                fields=("applicant", "chapter"),
                name="one_open_application_for_chapter",
            ),
        ),
        migrations.AddConstraint(
            model_name="photo",
            constraint=models.CheckConstraint(
                condition=models.Q(("has_consent", True)), name="photo_has_consent"
            ),
        ),
        migrations.AddConstraint(
            model_name="photo",
            constraint=models.CheckConstraint(
                condition=models.Q(("alt", ""), _negated=True), name="photo_has_description"
            ),
        ),
        migrations.AddConstraint(
            model_name="problemreport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "closed"), _negated=True),
                    ("closed_at__isnull", False),
                    _connector="OR",
                ),
                name="closed_report_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(("counted_as", ""), ("kind", "yes_no"), _connector="OR"),
                name="counted_question_is_yes_no",
            ),
        ),
        migrations.AddIndex(
            model_name="rsvp",
            index=models.Index(fields=["meetup", "status", "queued_at"], name="rsvp_of_meetup"),
        ),
        migrations.AddIndex(
            model_name="rsvp",
            index=models.Index(fields=["user", "status"], name="rsvp_of_member"),
        ),
        migrations.AddIndex(
            model_name="rsvp",
            index=models.Index(
                condition=models.Q(("status", "offered")),
                fields=["offer_expires_at"],
                name="rsvp_offer_expires",
            ),
        ),
        migrations.AddConstraint(
            model_name="rsvp",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("email", ""), ("user__isnull", False)),
                    models.Q(("user__isnull", True), models.Q(("email", ""), _negated=True)),
                    _connector="OR",
                ),
                name="rsvp_of_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="rsvp",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False)),
                fields=("meetup", "user"),
                name="one_rsvp_of_member",
            ),
        ),
        migrations.AddConstraint(
            model_name="rsvp",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", True)),
                fields=("meetup", "email"),
                name="one_rsvp_of_address",
            ),
        ),
        migrations.AddConstraint(
            model_name="rsvp",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "offered"), _negated=True),
                    ("offer_expires_at__isnull", False),
                    _connector="OR",
                ),
                name="offered_seat_expires",
            ),
        ),
        migrations.AddConstraint(
            model_name="rsvp",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("user__isnull", True),
                    models.Q(("status", "unconfirmed"), _negated=True),
                    _connector="OR",
                ),
                name="member_needs_no_confirmation",
            ),
        ),
        migrations.AddConstraint(
            model_name="answer",
            constraint=models.UniqueConstraint(fields=("question", "rsvp"), name="one_answer"),
        ),
        migrations.AddConstraint(
            model_name="talkspeaker",
            constraint=models.UniqueConstraint(fields=("talk", "speaker"), name="speaker_once_per_talk"),
        ),
        migrations.AddConstraint(
            model_name="track",
            constraint=models.UniqueConstraint(fields=("conference", "name"), name="track_once"),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("chapter__isnull", False), ("day__isnull", True), ("track__isnull", True)),
                    models.Q(("chapter__isnull", True), ("day__isnull", False), ("meetup__isnull", True)),
                    _connector="OR",
                ),
                name="session_at_chapter_or_conference",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_at__isnull", True),
                    models.Q(("ends_at__gt", models.F("starts_at")), ("starts_at__isnull", False)),
                    _connector="OR",
                ),
                name="session_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="tripreportentry",
            constraint=models.UniqueConstraint(fields=("report", "session"), name="one_entry_per_session"),
        ),
        migrations.AddConstraint(
            model_name="venue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("latitude__isnull", True), ("longitude__isnull", True)),
                    models.Q(
                        ("latitude__isnull", False),
                        ("latitude__range", (-90, 90)),
                        ("longitude__isnull", False),
                        ("longitude__range", (-180, 180)),
                    ),
                    _connector="OR",
                ),
                name="venue_coordinates_whole",
            ),
        ),
    ]
