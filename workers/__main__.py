"""``python -m workers NAME``: become one of the background processes (Docker and the supervisor call this)."""

import os
import sys

from workers.commands import commands


def main(argv: list[str]) -> None:
    """Replace this process by the one called ``argv[0]``; exits with 2 and the known names if there is none."""
    known = commands()
    if len(argv) != 1 or argv[0] not in known:
        sys.stderr.write(f"usage: python -m workers {{{'|'.join(sorted(known))}}}\n")
        sys.exit(2)
    command = known[argv[0]]
    os.execv(command[0], command)  # noqa: S606 - a fixed argument list of our own


if __name__ == "__main__":
    main(sys.argv[1:])
