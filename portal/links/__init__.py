"""Links that people wrote: whether they still lead somewhere, asked politely and never of our own network."""
