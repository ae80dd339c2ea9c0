"""What an article says of itself to machines: schema.org's TechArticle."""

from typing import Any

from django.conf import settings

from kb.models import Article


def linked_data(article: Article) -> dict[str, Any]:
    """JSON-LD of a published article; names nobody."""
    url = settings.SITE_URL + article.get_absolute_url()
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Report" if article.kind == Article.Kind.TRIP_REPORT else "TechArticle",
        "@id": url,
        "url": url,
        "mainEntityOfPage": url,
        "headline": article.title,
        "description": article.summary,
        "inLanguage": "en",
        "wordCount": article.words,
        "dateModified": article.updated_at.isoformat(),
        "publisher": {"@type": "Organization", "name": settings.SITE_NAME, "url": settings.SITE_URL},
        "keywords": [name for _, name in article.shown.get("tags", [])],
        "encoding": {
            "@type": "MediaObject",
            "encodingFormat": "text/markdown",
            "contentUrl": f"{url[:-1]}.md",
        },
    }
    if article.published_at:
        data["datePublished"] = article.published_at.isoformat()
    if article.shown.get("applies_to"):
        data["dependencies"] = ", ".join(article.shown["applies_to"])
    if article.shown.get("series"):
        series = article.shown["series"]
        data["isPartOf"] = {"@type": "CreativeWorkSeries", "name": series["title"]}
        data["position"] = series["part"]
    return {key: value for key, value in data.items() if value}
