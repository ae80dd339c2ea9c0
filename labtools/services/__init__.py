"""Changes of state in the lab: one module for uploads, one for checks."""
