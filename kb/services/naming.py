"""What is kept of an article's code: the names and commands that it mentions, and the errors that it explains."""

from kb.mentions import MAX_CANDIDATES, commands_in, in_fences, in_inline_code
from kb.models import Article, ErrorSignature, Mention
from kb.rendering import Rendered
from portal.embeds.names import Candidate, look_up

_MAX_NAME, _MAX_PATTERN, _MAX_CAUSE = 120, 300, 300


def store_mentions(article: Article, rendered: Rendered, *, is_new_text: bool) -> None:
    """Keep which names of the lab and which commands the text mentions. What is kept already is left as it is.

    Where only the lab changed, nothing is taken away: that a name is gone is what a mention is kept for.
    """
    inline: list[Candidate] = [one for code in rendered.codes if (one := in_inline_code(code))]
    asked = list(dict.fromkeys([*inline, *in_fences(rendered.fences)]))[:MAX_CANDIDATES]
    wanted = {(known.kind, known.name) for known in look_up(asked).values() if len(known.name) <= _MAX_NAME}
    wanted |= {(Mention.Kind.COMMAND.value, name) for name in commands_in(rendered.fences)}
    for row in article.mentions.all():
        if (row.kind, row.name) in wanted:
            wanted.discard((row.kind, row.name))
        elif is_new_text:
            row.delete()
    Mention.objects.bulk_create(
        (Mention(article=article, kind=kind, name=name) for kind, name in sorted(wanted)),
        ignore_conflicts=True,
    )


def store_signatures(article: Article, rendered: Rendered) -> None:
    """Keep the error messages that the text explains, each once, for the page that looks for them."""
    wanted = {
        one.pattern[:_MAX_PATTERN]: (one.section[:100], one.cause[:_MAX_CAUSE]) for one in rendered.errors
    }
    for row in article.error_signatures.all():
        if wanted.get(row.pattern) == (row.section, row.cause):
            del wanted[row.pattern]
        else:
            row.delete()
    ErrorSignature.objects.bulk_create(
        (
            ErrorSignature(article=article, pattern=pattern, section=section, cause=cause)
            for pattern, (section, cause) in wanted.items()
        ),
        ignore_conflicts=True,
    )
