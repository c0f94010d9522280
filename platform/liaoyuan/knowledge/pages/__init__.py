"""A stored version as a reader sees it: pages (or leaves, where a format has none), their pictures, places in them."""
