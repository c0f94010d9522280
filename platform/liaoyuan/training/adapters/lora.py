"""A LoRA adapter on a frozen base: made, saved and loaded without pickles."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from liaoyuan.training.schemas import Recipe

SETTINGS = "adapter_config.json"


def lora_attach(model: Any, recipe: Recipe) -> Any:
    """``model`` with fresh float32 adapters (B zero, A from the recipe's seed):

    at first it answers as the base does.
    """
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(recipe.seed)
    settings = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules=list(recipe.targets),
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, settings, autocast_adapter_dtype=True)


def lora_weights(model: Any) -> dict[str, torch.Tensor]:
    """Copies of the adapter's tensors as PEFT names them (``base_model.model.….lora_A.weight``), float32."""
    from peft import get_peft_model_state_dict

    return {name: value.detach().float().clone() for name, value in get_peft_model_state_dict(model).items()}


def lora_save(model: Any, recipe: Recipe, base_sha256: str, folder: Path) -> Path:
    """Write the adapter in PEFT's own layout, so that any tool that reads PEFT reads it. Returns the weights' path."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(lora_weights(model), folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "target_modules": list(recipe.targets),
        "lora_dropout": 0.0,
        "bias": "none",
        "base_model_name_or_path": f"sha256:{base_sha256}",
    }
    (folder / SETTINGS).write_text(json.dumps(settings, indent=1))
    return folder / "adapter_model.safetensors"


def lora_restore(model: Any, recipe: Recipe, weights: Path) -> Any:
    """``model`` with the adapter stored at ``weights``."""
    from peft import set_peft_model_state_dict

    adapted = lora_attach(model, recipe)
    problems: Any = set_peft_model_state_dict(adapted, load_file(weights))
    missing = [name for name in problems.missing_keys if "lora_" in name]
    if missing or problems.unexpected_keys:
        raise ValueError(f"not this recipe's adapter: {missing or problems.unexpected_keys}")
    return adapted.eval()
