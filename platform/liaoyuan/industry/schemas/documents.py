"""documents.toml: what each sample document is."""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from liaoyuan.industry.schemas.base import FileName, Language, Sentence, Spec

DOCUMENT_SUFFIXES = (".md", ".txt", ".docx", ".xlsx", ".pptx", ".html", ".csv", ".eml", ".pdf")


class DocumentSpec(Spec):
    """One file below ``documents/``.

    ``supersedes`` names the file of the older version that this one replaces; ``scanned`` says that only OCR can
    read it.
    """

    file: FileName
    title: Sentence
    language: Language
    version: Sentence
    effective: date
    kind: Literal["policy", "procedure", "guideline", "table", "notice", "training", "form"]
    supersedes: FileName | None = None
    scanned: bool = False

    @model_validator(mode="after")
    def _known_suffix(self) -> "DocumentSpec":
        if not self.file.lower().endswith(DOCUMENT_SUFFIXES):
            raise ValueError(f"{self.file}: use one of {', '.join(DOCUMENT_SUFFIXES)}")
        return self

    @property
    def stem(self) -> str:
        """The file's name without its suffix: what a question's evidence names."""
        return self.file.rpartition(".")[0]


class DocumentsSpec(Spec):
    """documents.toml as a whole."""

    documents: tuple[DocumentSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _files_agree(self) -> "DocumentsSpec":
        files = [document.file for document in self.documents]
        if len(set(files)) != len(files):
            raise ValueError("the same file is listed twice")
        for document in self.documents:
            if document.supersedes is not None and document.supersedes not in files:
                raise ValueError(f"{document.file} supersedes {document.supersedes}, which is not listed")
        return self

    @property
    def superseded(self) -> frozenset[str]:
        """The files that a newer one replaces: kept, and not retrieved by default."""
        return frozenset(d.supersedes for d in self.documents if d.supersedes is not None)
