"""A kind of mail that people can switch off, and templates of the tests' own."""

from pathlib import Path
from typing import Any

import pytest

from portal.mail import kinds


@pytest.fixture(autouse=True)
def _templates_of_tests(settings: Any) -> None:
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], Path(__file__).parent / "templates"]}]


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> kinds.Kind:
    """News of the portal, which nobody must receive who does not want to."""
    monkeypatch.setattr(kinds, "_kinds", {kinds.ACCOUNT.key: kinds.ACCOUNT})  # whatever rooms there are
    kind = kinds.Kind(
        "news", "News", "A few lines when the portal learns something new.", can_switch_off=True
    )
    kinds.register(kind)
    return kind
