"""What is wrong with a field, in Chinese: pydantic itself speaks English only."""

from typing import Any, Final

CHINESE: Final[dict[str, str]] = {
    "missing": "缺少该字段",
    "extra_forbidden": "没有这个字段",
    "json_invalid": "不是有效的 JSON",
    "string_type": "须为字符串",
    "string_unicode": "含有无效的 Unicode 字符",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不符：{pattern}",
    "too_short": "至少 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "int_type": "须为整数",
    "int_parsing": "须为整数",
    "int_from_float": "须为整数",
    "float_type": "须为数字",
    "float_parsing": "须为数字",
    "bool_type": "须为 true 或 false",
    "bool_parsing": "须为 true 或 false",
    "greater_than": "须大于 {gt}",
    "greater_than_equal": "不得小于 {ge}",
    "less_than": "须小于 {lt}",
    "less_than_equal": "不得大于 {le}",
    "literal_error": "须为以下之一：{expected}",
    "enum": "须为以下之一：{expected}",
    "uuid_type": "须为 UUID",
    "uuid_parsing": "须为 UUID",
    "datetime_parsing": "须为 ISO 8601 时间",
    "datetime_from_date_parsing": "须为 ISO 8601 时间",
    "timezone_aware": "时间须带时区",
    "date_parsing": "须为 ISO 8601 日期",
    "date_from_datetime_parsing": "须为 ISO 8601 日期",
    "list_type": "须为列表",
    "dict_type": "须为对象",
    "model_type": "须为对象",
    "model_attributes_type": "须为对象",
    "value_error": "{error}",
}


def field_sentence(error: dict[str, Any], language: str) -> str:
    """One sentence for one of pydantic's error rows; its own English where there is no Chinese for it."""
    template = CHINESE.get(error["type"]) if language == "zh" else None
    if template is None:
        return str(error["msg"])
    try:
        return template.format(**error.get("ctx", {}))
    except KeyError:
        return str(error["msg"])
