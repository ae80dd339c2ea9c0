"""What the search is told of an article."""

from kb.rendering import render
from kb.search import plain_text


def test_words_of_an_article_are_told_without_the_marks_that_link_to_headings() -> None:
    rendered = render("Begin.\n\n## By pool & volume\n\nThat is *the* way.\n\n### C# too\n\nEnd.").html
    assert rendered.count('class="anchor"') == 2
    assert plain_text(rendered) == "Begin. By pool & volume That is the way. C# too End."


def test_what_the_lab_says_in_an_article_is_not_the_articles() -> None:
    drawn = '<p>One</p><section class="live-block sheet"><p>of the lab</p></section><p>Two</p>'
    assert plain_text(drawn) == "One Two"
