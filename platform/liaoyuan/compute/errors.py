"""What can keep a plan from being made."""

from liaoyuan.pipeline.contract import StageFailed


class DoesNotFit(StageFailed):
    code = "does_not_fit"
    zh = "本机内存不足：需要 {needed}，可用 {available}。可行的调整：{advice}"
    en = "This machine has too little memory: {needed} needed, {available} available. What would fit: {advice}"


class DiskTooSmall(StageFailed):
    code = "disk_too_small"
    zh = "磁盘空间不足：需要 {needed}，可用 {available}。请清理磁盘或更换数据目录（LIAOYUAN_VAR）。"
    en = "Too little disk: {needed} needed, {available} available. Free some, or move the data folder (LIAOYUAN_VAR)."
