"""The signature is the one of Amazon's own worked example (S3 API reference, "GET object")."""

from datetime import UTC, datetime

from liaoyuan.knowledge.sources.signing import query_text, signed_headers

KEY = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
AT = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "examplebucket.s3.amazonaws.com"


def signature(**given: object) -> str:
    values = {"method": "GET", "host": HOST, "query": [], "headers": {}, "region": "us-east-1", "at": AT} | KEY | given
    return signed_headers(**values)["authorization"].rpartition("Signature=")[2]  # type: ignore[arg-type]


def test_getting_an_object_with_a_range() -> None:
    found = signature(path="/test.txt", headers={"Range": "bytes=0-9"})
    assert found == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_listing_a_bucket() -> None:
    found = signature(path="/", query=[("max-keys", "2"), ("prefix", "J")])
    assert found == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"


def test_a_query_is_sorted_and_quoted_in_one_way() -> None:
    assert query_text([("prefix", "制度/a b"), ("list-type", "2")]) == "list-type=2&prefix=%E5%88%B6%E5%BA%A6%2Fa%20b"
