"""Fixtures of the lab's tests."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def upload_dir(settings: Settings, tmp_path: Path) -> Path:
    """Uploads of one test lie where no other test looks."""
    folder = tmp_path / "uploads"
    settings.UPLOAD_DIR = folder
    return folder
