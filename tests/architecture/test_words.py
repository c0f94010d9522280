"""Every word of the interface is there in Chinese: pages, forms and messages of portal and console."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

from liaoyuan.portal.catalogue import catalogue_read

ROOT = Path(__file__).resolve().parent.parent.parent
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
HEADER = ""
# One word for one thing: what was written once for the word that is used everywhere.
GLOSSARY = {
    "文本块": "分块",
    "切块": "分块",
    "文档库": "文档集",
    "资料库": "文档集",
    "部署包": "发布包",
    "嵌入模型": "向量模型",
    "追踪": "问答记录",
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
TOKEN = re.compile(r"(?<![\w({%])tokens?(?![\w)}])")
LITERAL = re.compile(r"""\bn?gettext\(u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def in_template(text: str) -> Iterator[str]:
    """Messages as Django's own extraction sees them; ``templatize`` writes each as a call of gettext."""
    for literal in LITERAL.findall(templatize(text)):
        yield str(ast.literal_eval(literal))


def in_python(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def used() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in sorted((ROOT / "templates").rglob("*.html")):
        found |= dict.fromkeys(in_template(file.read_text(encoding="utf-8")), file)
    for app in ("portal", "console"):
        for file in sorted((ROOT / "platform" / "liaoyuan" / app).rglob("*.py")):
            found |= dict.fromkeys(in_python(file.read_text(encoding="utf-8")), file)
    return found


def translated() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted((ROOT / "templates" / "locale").rglob("*.po")):
        found |= {
            key.split("\x00")[0]: value for key, value in catalogue_read(file.read_text(encoding="utf-8")).items()
        }
    return found


def test_every_message_is_translated() -> None:
    messages = used()
    assert len(messages) > 50
    known = translated()
    missing = {message: str(file.relative_to(ROOT)) for message, file in messages.items() if message not in known}
    assert missing == {}


def test_a_translation_keeps_the_placeholders() -> None:
    known = translated()
    wrong = {
        message
        for message in used()
        if message in known
        and set(re.findall(r"%\(\w+\)s|{\w*}", message)) != set(re.findall(r"%\(\w+\)s|{\w*}", known[message]))
    }
    assert wrong == set()


def test_two_areas_translate_a_message_alike() -> None:
    seen: dict[str, str] = {}
    for file in sorted((ROOT / "templates" / "locale").rglob("*.po")):
        for message, words in catalogue_read(file.read_text(encoding="utf-8")).items():
            if message != HEADER:
                assert seen.setdefault(message, words) == words, f"{file}: {message}"


def test_one_thing_has_one_chinese_word() -> None:
    """In the catalogues and in every Chinese sentence of the code: errors, progress, roles, the words of the API."""
    spoken = {f"{message!r} in the catalogue": words for message, words in translated().items()}
    for file in sorted((ROOT / "platform").rglob("*.py")):
        if "migrations" not in file.parts:
            spoken |= {f"{file.relative_to(ROOT)}:{line}": words for line, words in chinese(file)}
    wrong = {
        f"{place}: {rejected}": f"write {word}"
        for place, words in spoken.items()
        for rejected, word in GLOSSARY.items()
        if rejected in words
    }
    assert wrong == {}


def test_tokens_are_named_in_chinese() -> None:
    """A token of a language model, on every page; an access token is a 令牌."""
    assert [words for words in translated().values() if CHINESE.search(words) and TOKEN.search(words)] == []


def chinese(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CHINESE.search(node.value):
            yield node.lineno, node.value
