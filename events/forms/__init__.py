"""Shapes of what people send to this room, one module for each subject."""
