"""Pages of the knowledge base, a module for each subject."""
