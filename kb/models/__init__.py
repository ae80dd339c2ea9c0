"""The rows of the knowledge base."""

from kb.models.articles import (
    RESERVED_SLUGS,
    AppliesTo,
    Article,
    ArticleQuerySet,
    Series,
    SlugRedirect,
    Tag,
)
from kb.models.checks import Check, CheckRun
from kb.models.feedback import Answer, HelpfulVote, Link, Question
from kb.models.living import ErrorSignature, Flag, LiveBlock, Mention
from kb.models.pictures import Attachment
from kb.models.revisions import Draft, ReviewComment, Revision, RevisionQuerySet, Watch

__all__ = [
    "RESERVED_SLUGS",
    "Answer",
    "AppliesTo",
    "Article",
    "ArticleQuerySet",
    "Attachment",
    "Check",
    "CheckRun",
    "Draft",
    "ErrorSignature",
    "Flag",
    "HelpfulVote",
    "Link",
    "LiveBlock",
    "Mention",
    "Question",
    "ReviewComment",
    "Revision",
    "RevisionQuerySet",
    "Series",
    "SlugRedirect",
    "Tag",
    "Watch",
]
