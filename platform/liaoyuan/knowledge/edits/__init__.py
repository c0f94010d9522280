"""What people change in the chunks of a document, and how it outlives a new parse, a new version and a new index."""
