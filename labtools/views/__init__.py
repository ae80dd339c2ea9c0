"""Pages of the lab, one module per subject."""
