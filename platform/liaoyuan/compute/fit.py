"""Does the chosen base model, with the chosen recipe, fit on this machine? Estimates in bytes, by part.

Training holds the frozen base, the adapters with gradient and two Adam moments in 32 bit, the activations that the
backward pass needs, and one chunk of logits. Serving holds the file, every slot's key-value cache, and buffers.
"""

from math import ceil

from liaoyuan.compute.schemas import Fit, ModelShape, ServingNeed, TrainingNeed

FLOAT = 4
# Interpreter, torch and tokenizer: measured 0.6 to 0.8 GB resident before the first weight.
TRAINING_RUNTIME = 800 << 20
SERVING_RUNTIME = 300 << 20
# Bytes of activations per token and layer: about 34 × hidden in half precision, taken twice for float32
# (Korthikanti et al. 2022, arXiv 2205.05198, equation 1).
ACTIVATION_FACTOR = 2 * 34
LOGITS_CHUNK = 512
HEADROOM = 0.9


def lora_parameters(shape: ModelShape, need: TrainingNeed) -> int:
    """Trainable parameters of rank-r adapters on the projections ``need.targets``: r × (inputs + outputs) for each."""
    kv_width = shape.hidden * shape.kv_heads // shape.heads
    widths = {
        "q_proj": 2 * shape.hidden,
        "k_proj": shape.hidden + kv_width,
        "v_proj": shape.hidden + kv_width,
        "o_proj": 2 * shape.hidden,
        "gate_proj": shape.hidden + shape.feed_forward,
        "up_proj": shape.hidden + shape.feed_forward,
        "down_proj": shape.hidden + shape.feed_forward,
    }
    return need.rank * sum(widths[target] for target in need.targets) * shape.layers


def training_bytes(shape: ModelShape, need: TrainingNeed) -> dict[str, int]:
    """Bytes by part for one LoRA run."""
    trainable = lora_parameters(shape, need)
    return {
        "weights": shape.parameters * need.weight_bytes,
        "adapters": trainable * FLOAT,
        "gradients": trainable * FLOAT,
        "optimizer": 2 * trainable * FLOAT,
        "activations": ACTIVATION_FACTOR * shape.hidden * need.batch_tokens * shape.layers,
        "logits": 3 * LOGITS_CHUNK * shape.vocabulary * FLOAT,
        "runtime": TRAINING_RUNTIME,
    }


def serving_bytes(shape: ModelShape, need: ServingNeed) -> dict[str, int]:
    """Bytes by part for the model server."""
    kv_width = shape.hidden * shape.kv_heads // shape.heads
    per_token = 2 * shape.layers * kv_width * need.kv_bytes
    return {
        "weights": shape.file_bytes,
        "kv_cache": per_token * need.context * need.slots,
        "runtime": SERVING_RUNTIME,
    }


def fit_check(shape: ModelShape, *, training: TrainingNeed, serving: ServingNeed, available_bytes: int) -> Fit:
    """Both together must stay below 90 % of ``available_bytes``; otherwise the advice says what would fit."""
    train, serve = training_bytes(shape, training), serving_bytes(shape, serving)
    needed = sum(train.values()) + sum(serve.values())
    limit = int(available_bytes * HEADROOM)
    advice = () if needed <= limit else _advice(shape, training, needed - limit)
    return Fit(
        training=train,
        serving=serve,
        needed_bytes=needed,
        available_bytes=available_bytes,
        fits=needed <= limit,
        advice=advice,
    )


def _advice(shape: ModelShape, need: TrainingNeed, missing: int) -> tuple[str, ...]:
    """Changes each of which makes up for ``missing`` bytes, the mildest first."""
    per_token = ACTIVATION_FACTOR * shape.hidden * shape.layers
    tokens = need.batch_tokens - -(-missing // per_token)
    advice = []
    if tokens >= LOGITS_CHUNK:
        advice.append(f"batch_tokens={tokens}")
    if need.weight_bytes == FLOAT and shape.parameters * 2 >= missing:
        advice.append("weights=bf16")
    # The headroom is kept on what is added as well.
    advice.append(f"memory+={ceil(missing / HEADROOM / (1 << 20))}MiB")
    return tuple(advice)


def checkpoint_interval(*, save_seconds: float, mean_failure_seconds: float) -> float:
    """Young/Daly: the interval T* = sqrt(2·C·M) that wastes least, in seconds."""
    return float((2.0 * save_seconds * mean_failure_seconds) ** 0.5)
