"""What changed between two versions of a document: blocks matched, words marked, tables by cell, moves recognised."""
