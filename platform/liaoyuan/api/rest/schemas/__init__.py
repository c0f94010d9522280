"""What callers may send to ``/api/v1``, and the shape of what they get. An unknown field is refused, never ignored."""
