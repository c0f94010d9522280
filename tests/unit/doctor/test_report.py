"""What a check says, and that a probe that falls ill becomes a finding."""

from liaoyuan.config.doctor.report import Check, guarded


def test_what_is_right_needs_no_mending() -> None:
    body = Check("disk", ok=True, detail="9 GiB", mend_zh="清理", mend_en="Clean").as_dict()
    assert (body["ok"], body["detail"], body["mend"]) == (True, "9 GiB", "")


def test_what_is_wrong_says_how_to_mend_it_in_both_languages() -> None:
    body = Check("disk", ok=False, detail="0 GiB", mend_zh="请清理。", mend_en="Clean up.").as_dict()
    assert body["mend"] == "请清理。 Clean up."


def test_a_probe_that_fails_is_a_finding_with_its_error() -> None:
    def broken() -> list[Check]:
        raise ConnectionError("nobody listens\nsecond line")

    (check,) = guarded("broker", broken, "启动", "Start it")
    assert (check.name, check.ok) == ("broker", False)
    assert check.detail == "ConnectionError: nobody listens"
    assert check.as_dict()["mend"] == "启动 Start it"


def test_a_probe_that_fails_without_words_is_named_by_its_type() -> None:
    def broken() -> list[Check]:
        raise TimeoutError

    assert guarded("x", broken, "", "")[0].detail.startswith("TimeoutError")
