"""What can go wrong with a training run, in words for people."""

from liaoyuan.pipeline.contract import StageFailed


class DatasetTooSmall(StageFailed):
    code = "dataset_too_small"
    zh = (
        "数据集太小：{split} 部分有 {count} 条可用样本，至少需要 {needed} 条。"
        "请导入更多文档或放宽清洗规则后重新生成数据集。"
    )
    en = (
        "The dataset is too small: {count} usable samples in “{split}”, at least {needed} are needed. Import more "
        "documents, or loosen the recipe's filters, and build the dataset again."
    )


class DatasetInvalid(StageFailed):
    code = "dataset_invalid"
    zh = "数据集文件第 {line} 行无法读取：{detail}。请重新生成数据集。"
    en = "Line {line} of the dataset cannot be read: {detail}. Build the dataset again."


class RecipeUnknown(StageFailed):
    code = "recipe_unknown"
    zh = "没有名为“{name}”的训练配方。可用的有：{known}。"
    en = "There is no training recipe called “{name}”. Known: {known}."


class RecipeInvalid(StageFailed):
    code = "recipe_invalid"
    zh = "训练配方不正确：{detail}"
    en = "The training recipe is not valid: {detail}"


class BaseUnsupported(StageFailed):
    code = "base_unsupported"
    zh = "基础模型 {path} 不受支持：{detail}。请换用 llama 结构、字节级 BPE 分词器的 GGUF。"
    en = "The base model {path} is not supported: {detail}. Use a llama-family GGUF with a byte-level BPE tokenizer."


class CheckpointMismatch(StageFailed):
    code = "checkpoint_mismatch"
    zh = "检查点属于另一份数据或配方，不能继续。请重新开始训练。"
    en = "The checkpoint belongs to other data or another recipe and cannot be continued. Start the training anew."


class LossDiverged(StageFailed):
    code = "loss_diverged"
    zh = "第 {step} 步的损失不是有限数，训练已停止。请降低学习率（当前 {learning_rate}）后重试。"
    en = "The loss is not finite at step {step}; training stopped. Lower the learning rate ({learning_rate}) and retry."


class TrainerLost(StageFailed):
    code = "trainer_lost"
    zh = "训练子进程意外结束（{how}）。常见原因是内存不足；检查点已保留，重试会从那里继续。"
    en = (
        "The training process ended unexpectedly ({how}); usually memory ran out. "
        "The checkpoint is kept, and a retry goes on from it."
    )
    retryable = True


class TrainerFaulty(StageFailed):
    code = "trainer_faulty"
    zh = "训练程序出错：{detail}"
    en = "The training program failed: {detail}"


class DatasetUnknown(StageFailed):
    code = "dataset_unknown"
    zh = "没有找到数据集“{name}”。请先运行 manage.py data run，再使用它打印的编号或名称。"
    en = "There is no dataset “{name}”. Run manage.py data run first, then give the id or the name that it prints."
    status = 404
