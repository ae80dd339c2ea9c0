"""What the lab's pages and API read."""

from labtools.queries.atlases import atlas_of, map_caution
from labtools.queries.images import (
    SampleReport,
    check_as_json,
    checks_of,
    comparable_with,
    sample_reports,
)

__all__ = [
    "SampleReport",
    "atlas_of",
    "check_as_json",
    "checks_of",
    "comparable_with",
    "map_caution",
    "sample_reports",
]
