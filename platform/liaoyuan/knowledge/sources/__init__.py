"""Where a collection's documents come from by themselves: folders, S3 buckets and web pages, read again and again."""
