"""Changes of state in the lab: uploads and their bytes, checks and their reports, ready samples."""
