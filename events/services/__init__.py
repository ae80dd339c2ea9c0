"""Changes of state in the meetups room, one module for each subject."""
