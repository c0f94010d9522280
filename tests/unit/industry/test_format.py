"""The format: an unknown key is an error with its place, names come from allow-lists, references lead somewhere."""

from pathlib import Path

import pytest

from liaoyuan.industry.errors import IndustryUnknown, PackInvalid, ScenarioUnknown
from liaoyuan.industry.files import files_read
from liaoyuan.industry.loader import Trust, pack_examine, pack_find, pack_load
from liaoyuan.industry.manifest import manifest_text, signature_text, signing_key_open
from tests.unit.industry.packs import INDUSTRY, SCENARIO, pack_write, put


def sealed_anyway(folder: Path, key_file: Path) -> Path:
    """Signed without validation, as a careless author's own tool might."""
    manifest = manifest_text(files_read(folder)).encode()
    (folder / "MANIFEST").write_bytes(manifest)
    (folder / "MANIFEST.sig").write_text(signature_text(manifest, signing_key_open(key_file)))
    return folder


def problems(tmp_path: Path, key_file: Path, trust: Trust, **changes: str) -> list[str]:
    folder = sealed_anyway(pack_write(tmp_path / "broken", **changes), key_file)
    return [error.sentence("en") for error in pack_examine(folder, trust)[1]]


def test_a_whole_pack_has_no_problem(pack: Path, trust: Trust) -> None:
    loaded = pack_load(pack, trust)
    assert loaded.name == "harbour"
    assert loaded.scenario("berth-qa").gates[0].threshold == 0.9
    assert loaded.synonyms("berth-qa") == {"quay": ("berth",)}


def test_a_pack_is_immutable(pack: Path, trust: Trust) -> None:
    with pytest.raises(Exception, match="frozen"):
        pack_load(pack, trust).spec.version = "9.9.9"  # type: ignore[misc]  # the refusal is what is tested


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"industry__toml": "colour = 1\n" + INDUSTRY}, "industry.toml breaks the format: colour: unknown key"),
        (
            {"scenarios___berth-qa__toml": SCENARIO.replace("at_least = 0.9", "at_leat = 0.9")},
            "gates.0.at_leat: unknown key",
        ),
        ({"scenarios___berth-qa__toml": SCENARIO.replace("recall@5", "applause")}, "gates.0.metric"),
        ({"scenarios___berth-qa__toml": SCENARIO.replace('"normalise"', '"os.system"')}, "recipe.operators.0"),
        ({"scenarios___berth-qa__toml": SCENARIO.replace('"lora-small"', '"my.module.Trainer"')}, "training.recipe"),
        (
            {"scenarios___berth-qa__toml": SCENARIO.replace('{ operator = "mask_pii" }, ', "")},
            "mask_pii must come before synthesise_qa",
        ),
        ({"industry__toml": INDUSTRY.replace('"rls_forced"', '"looks_fine"')}, "controls.0.check"),
        ({"industry__toml": INDUSTRY.replace('["HAR-01"]', '["HAR-99"]')}, "HAR-99, which is not in"),
        ({"industry__toml": INDUSTRY.replace('"harbour"', '"seaport"')}, "they must agree"),
        ({"industry__toml": INDUSTRY.replace("format = 1", "format = 2")}, "format"),
        ({"industry__toml": "name = "}, "it is not TOML"),
        (
            {"scenarios___berth-qa__toml": SCENARIO.replace("words.tsv", "lost.tsv")},
            "lexicon/lost.tsv, which is missing",
        ),
        ({"scenarios___berth-qa__toml": SCENARIO.replace('["pilot"]', '["cook"]')}, "cook, which is no role"),
        ({"scenarios___other__toml": SCENARIO}, "it must equal the file's name"),
        ({"prompts___answer__md": "{{question}} {{evidence}} {{__class__}}"}, "it asks for {{__class__}}"),
        ({"prompts___answer__md": "{{question}}"}, "it never uses {{evidence}}"),
        ({"lexicon___words__tsv": "term\tlanguage\nquay\ten\n"}, "first line must be"),
        ({"lexicon___words__tsv": "term\tlanguage\tkind\tvalue\nquay\tfr\tsynonym\tberth\n"}, "line 2"),
        ({"evaluation___gate__jsonl": '{"id": "q1"}\n'}, "evaluation/gate.jsonl:1"),
        ({"evaluation___gate__jsonl": "nonsense\n"}, "it is not JSON"),
        ({"documents___stray__md": "hello"}, "documents.toml does not list it"),
        ({"notes__txt": "hello"}, "unknown file"),
        ({"secrets___key__txt": "hello"}, "unknown folder"),
        ({"helper__py": "x = 1\n"}, "code is allowed only in"),
    ],
)
def test_each_break_is_named_with_its_place(
    tmp_path: Path, key_file: Path, trust: Trust, changes: dict[str, str], expected: str
) -> None:
    assert any(expected in sentence for sentence in problems(tmp_path, key_file, trust, **changes))


def test_all_problems_are_told_at_once_in_both_languages(tmp_path: Path, key_file: Path, trust: Trust) -> None:
    folder = pack_write(
        tmp_path / "broken", industry__toml="colour = 1\nshape = 2\n" + INDUSTRY, prompts___answer__md="{{question}}"
    )
    _, found = pack_examine(sealed_anyway(folder, key_file), trust)
    assert len(found) >= 3
    assert all("行业包" in error.sentence("zh") or "提示词" in error.sentence("zh") for error in found)


def test_a_missing_needed_file_is_named(tmp_path: Path, key_file: Path, trust: Trust) -> None:
    folder = pack_write(tmp_path / "broken")
    (folder / "NOTICE").unlink()
    with pytest.raises(PackInvalid, match="NOTICE breaks the format: the file is missing"):
        pack_load(sealed_anyway(folder, key_file), trust)


def test_an_unknown_industry_lists_the_known_ones(pack: Path) -> None:
    with pytest.raises(IndustryUnknown, match="harbour") as caught:
        pack_find("aviation", [pack.parent])
    assert "aviation" in caught.value.sentence("zh")


@pytest.mark.parametrize("name", ["../harbour", "/etc", "", ".", "harbour/../harbour", "harbour\x00"])
def test_a_name_is_never_a_path(pack: Path, name: str) -> None:
    with pytest.raises(IndustryUnknown):
        pack_find(name, [pack.parent])


def test_an_unknown_scenario_lists_the_known_ones(pack: Path, trust: Trust) -> None:
    with pytest.raises(ScenarioUnknown, match="berth-qa"):
        pack_load(pack, trust).scenario("docking")


def test_of_two_versions_the_higher_counts(pack: Path, tmp_path: Path) -> None:
    newer = pack_write(tmp_path / "installed", industry__toml=INDUSTRY.replace("1.2.0", "1.10.0"))
    assert pack_find("harbour", [pack.parent, newer.parent]) == newer
    put(newer, "industry.toml", INDUSTRY.replace("1.2.0", "1.1.9"))
    assert pack_find("harbour", [pack.parent, newer.parent]) == pack
