"""Work of the meetups room that happens outside a request. A task loads by id and calls one service."""
