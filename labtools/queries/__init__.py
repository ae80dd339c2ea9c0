"""What the lab's pages and API read."""

from labtools.queries.images import SampleReport, check_as_json, checks_of, sample_reports

__all__ = ["SampleReport", "check_as_json", "checks_of", "sample_reports"]
