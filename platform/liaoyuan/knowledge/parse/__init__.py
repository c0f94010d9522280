"""A file becomes typed blocks with page and box, inside a confined child process."""
