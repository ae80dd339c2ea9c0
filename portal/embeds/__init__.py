"""What one room shows inside another: live blocks in articles. Rooms meet here and never import one another."""
