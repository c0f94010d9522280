"""What a person reads while a training runs, by the step that the child process names."""

from typing import Any

STEPS = {
    "unpack": ("正在载入基础模型", "Loading the base model"),
    "evaluate_base": ("正在评测基础模型", "Evaluating the base model"),
    "train": ("正在训练", "Training"),
    "evaluate_tuned": ("正在评测适配器", "Evaluating the adapter"),
    "references": ("正在计算一致性参照", "Computing the parity references"),
    "parity": ("正在核对推理服务与训练结果是否一致", "Checking that the served adapter is the trained one"),
}


def sentence(step: str, numbers: dict[str, Any]) -> tuple[str, str]:
    """(zh, en), with the live loss while it trains."""
    zh, en = STEPS[step]
    if "loss" not in numbers:
        return zh, en
    rate = f"{numbers['tokens_per_second']:.0f}"
    return (
        f"{zh}：第 {numbers['step']:.0f} 步，损失 {numbers['loss']:.3f}，{rate} 词元/秒",
        f"{en}: step {numbers['step']:.0f}, loss {numbers['loss']:.3f}, {rate} tokens/s",
    )
