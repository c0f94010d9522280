"""A second, plainer reading of a file, in a confined process: text layers and markup as they are, nothing understood.

``python -m liaoyuan.knowledge.questions.plain DESCRIPTOR MEMORY_MB`` is the child's side: it inherits the open
file and a pipe, takes away its own rights, and answers with a JSON list of [page or null, text].
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

MEMORY_MB: Final = 1024
SECONDS: Final = 60
MOST_BYTES: Final = 128 * 1024 * 1024
MOST_CHARACTERS: Final = 8_000_000
MOST_PAGES: Final = 2000
_TAG: Final = re.compile(r"<[^>]*>")
_TEXTS: Final = re.compile(
    r"^(?:word/(?:document|footnotes|endnotes|comments|header\d*|footer\d*)|xl/(?:sharedStrings|worksheets/[^/]+)"
    r"|ppt/(?:slides|notesSlides)/[^/]+|content)\.xml$"
)
_ROOT: Final = Path(__file__).resolve().parents[3]
Pages = list[tuple[int | None, str]]


def plain_text(path: Path, *, name: str) -> Pages:
    """(page, text) of everything that the file says in its own text layer; empty where it has none or resists."""
    with path.open("rb") as file:
        descriptor = file.fileno()
        command = [sys.executable, "-B", "-m", __name__, str(descriptor), str(MEMORY_MB), Path(name).suffix.lower()]
        try:
            done = subprocess.run(
                command,
                pass_fds=(descriptor,),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
                cwd="/",
                env={"PYTHONPATH": str(_ROOT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"},
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return []
    if done.returncode != 0:
        return []
    return [(page, text) for page, text in json.loads(done.stdout)]


def read(data: bytes, suffix: str) -> Iterator[tuple[int | None, str]]:
    """The child's work on a file's bytes."""
    if data.startswith(b"%PDF"):
        yield from _pdf(data)
    elif data.startswith(b"PK\x03\x04"):
        yield from _zipped(data)
    else:
        yield None, _markup(_decoded(data)) if suffix in {".html", ".htm", ".xml", ".eml"} else _decoded(data)


def _pdf(data: bytes) -> Iterator[tuple[int | None, str]]:
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    for number in range(min(len(document), MOST_PAGES)):
        yield number + 1, document[number].get_textpage().get_text_range()


def _zipped(data: bytes) -> Iterator[tuple[int | None, str]]:
    import zipfile

    with zipfile.ZipFile(BytesIO(data)) as archive:
        for entry in archive.infolist():
            if _TEXTS.match(entry.filename) or entry.filename.endswith((".xhtml", ".html")):
                with archive.open(entry) as stream:
                    # Bounded while it is unpacked: a small entry may claim to be any size.
                    yield None, _markup(stream.read(MOST_BYTES).decode("utf-8", "replace"))


def _markup(text: str) -> str:
    import html

    return html.unescape(_TAG.sub("", text))


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8", "gb18030", "utf-16"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace")


def main(arguments: list[str]) -> None:
    """Read the inherited file with no rights left but that."""
    from liaoyuan.knowledge.parse.confine import confine, limit_processor

    with os.fdopen(int(arguments[0]), "rb") as stream:
        confine(memory_mb=int(arguments[1]))
        limit_processor(SECONDS)
        data = stream.read(MOST_BYTES)
    left = MOST_CHARACTERS
    pages = []
    for page, text in read(data, arguments[2]):
        pages.append((page, text[:left]))
        left -= len(text)
        if left <= 0:
            break
    sys.stdout.write(json.dumps(pages, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
