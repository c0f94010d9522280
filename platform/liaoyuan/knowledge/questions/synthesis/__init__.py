"""Questions made from the documents themselves, each with the literal words that answer it."""
