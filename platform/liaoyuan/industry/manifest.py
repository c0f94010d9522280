"""MANIFEST (sha256 of every file, the form of ``sha256sum``) and MANIFEST.sig (one ed25519 signature over it)."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from liaoyuan.industry.errors import PackTampered, PackUnsigned, SignatureRefused
from liaoyuan.industry.files import PackFiles

MANIFEST = "MANIFEST"
SIGNATURE = "MANIFEST.sig"
SEALS = (MANIFEST, SIGNATURE)
# Signed together with the manifest, so that a signature made for another purpose can never pass here.
PURPOSE = b"liaoyuan industry manifest v1\n"
LINE = re.compile(r"^([0-9a-f]{64}) {2}([^\x00-\x1f\\]+)$")


@dataclass(frozen=True)
class TrustedKey:
    """A public key whose packs are accepted. ``id`` is the first 16 hex digits of the sha256 of its 32 raw bytes."""

    id: str
    name: str
    key: Ed25519PublicKey


def key_id(key: Ed25519PublicKey) -> str:
    """The short name of a public key, as written in MANIFEST.sig."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def trusted_keys_read(*folders: Path) -> tuple[TrustedKey, ...]:
    """Every ed25519 public key (``*.pem``) in ``folders``; a folder that is absent holds none.

    Raises:
        ValueError: a file there is not an ed25519 public key. Trust is never guessed.
    """
    found = []
    for path in sorted(path for folder in folders if folder.is_dir() for path in folder.glob("*.pem")):
        key = load_pem_public_key(path.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(f"{path} is not an ed25519 public key")
        found.append(TrustedKey(id=key_id(key), name=path.stem, key=key))
    return tuple(found)


def signing_key_open(path: Path) -> Ed25519PrivateKey:
    """The private key in ``path``; made there (mode 0600) with its ``.pub.pem`` beside it when the file is absent."""
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path} is not an ed25519 private key")
        return key
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.with_suffix(".pub.pem").write_bytes(public)
    return key


def manifest_text(files: PackFiles) -> str:
    """The manifest of ``files`` (the two seal files left out)."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in sorted(files.items()) if name not in SEALS]
    return "\n".join(lines) + "\n"


def signature_text(manifest: bytes, key: Ed25519PrivateKey) -> str:
    """The line of MANIFEST.sig: algorithm, key id, signature in base64."""
    signature = base64.b64encode(key.sign(PURPOSE + manifest)).decode()
    return f"ed25519 {key_id(key.public_key())} {signature}\n"


def seal_verify(pack: str, files: PackFiles, trusted: tuple[TrustedKey, ...], key_folder: str) -> TrustedKey:
    """Check signature first, then every file against the manifest. Returns the key that signed.

    Raises:
        PackUnsigned: a seal file is missing.
        SignatureRefused: unreadable, by a stranger's key, or not over this manifest.
        PackTampered: a file was changed, removed or added; the file is named.
    """
    for seal in SEALS:
        if seal not in files:
            raise PackUnsigned(pack=pack, file=seal)
    key = _signature_verify(pack, files[MANIFEST], files[SIGNATURE], trusted, key_folder)
    manifest_verify(pack, files)
    return key


def manifest_verify(pack: str, files: PackFiles) -> None:
    """Every file is as the manifest says, and there is none beside it."""
    listed = _manifest_read(pack, files[MANIFEST])
    for name, digest in listed.items():
        if name not in files:
            raise _tampered(pack, name, "is missing", "缺失")
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise _tampered(pack, name, "was changed", "被改动")
    for name in files:
        if name not in listed and name not in SEALS:
            raise _tampered(pack, name, "was added", "是后来加入的")


def _signature_verify(
    pack: str, manifest: bytes, line: bytes, trusted: tuple[TrustedKey, ...], key_folder: str
) -> TrustedKey:
    algorithm, identifier, signature = _signature_read(pack, line, key_folder)
    candidates = [key for key in trusted if key.id == identifier] if algorithm == "ed25519" else []
    if not candidates:
        raise SignatureRefused(
            pack=pack, key=identifier, state="is not trusted", state_zh="不受信任", folder=key_folder
        )
    for candidate in candidates:
        try:
            candidate.key.verify(signature, PURPOSE + manifest)
        except InvalidSignature:
            continue
        return candidate
    raise SignatureRefused(
        pack=pack, key=identifier, state="does not match MANIFEST", state_zh="与清单不符", folder=key_folder
    )


def _signature_read(pack: str, line: bytes, key_folder: str) -> tuple[str, str, bytes]:
    try:
        algorithm, identifier, encoded = line.decode("ascii").split()
        return algorithm, identifier, base64.b64decode(encoded, validate=True)
    except (UnicodeDecodeError, ValueError, binascii.Error) as error:
        raise SignatureRefused(
            pack=pack, key="?", state="is unreadable", state_zh="无法读取", folder=key_folder
        ) from error


def _manifest_read(pack: str, data: bytes) -> dict[str, str]:
    listed: dict[str, str] = {}
    for line in data.decode("utf-8", errors="replace").splitlines():
        match = LINE.match(line)
        if match is None or match[2] in listed:
            raise _tampered(pack, MANIFEST, "has a line that cannot be read", "有无法识别的行")
        listed[match[2]] = match[1]
    return listed


def _tampered(pack: str, name: str, state: str, state_zh: str) -> PackTampered:
    return PackTampered(pack=pack, file=name, state=state, state_zh=state_zh)
