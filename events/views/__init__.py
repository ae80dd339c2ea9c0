"""Pages of the meetups room, one module for each subject."""
