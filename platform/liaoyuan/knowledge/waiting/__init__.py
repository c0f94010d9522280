"""Why a file is not ready yet: the files of an import one by one, each with its place in the line and its time."""
