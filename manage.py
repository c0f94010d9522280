#!/usr/bin/env python
"""Django's command line, with the source root on the path."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaoyuan.config.settings")
    # Appended, not inserted: the standard library's own `platform` must keep winning.
    sys.path.append(str(Path(__file__).resolve().parent / "platform"))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
