"""Django for a script that asks collections."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def django_start() -> None:
    """The platform on the path, its settings read, its apps loaded."""
    sys.path.append(str(ROOT / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaoyuan.config.settings")
    import django

    django.setup()
