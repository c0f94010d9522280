"""What can keep a dataset from being made."""

from liaoyuan.pipeline.contract import StageFailed


class NothingToCurate(StageFailed):
    code = "nothing_to_curate"
    zh = "集合“{collection}”没有可用的文档。请先导入文档：manage.py knowledge import。"
    en = "The collection “{collection}” has no usable document. Import some first: manage.py knowledge import."


class NothingLeft(StageFailed):
    code = "nothing_left"
    zh = "算子“{operator}”之后没有剩下任何样本（{reasons}）。请检查文档内容，或放宽配方参数。"
    en = "Nothing is left after the operator “{operator}” ({reasons}). Check the documents, or relax the recipe."


class RecipeUnknown(StageFailed):
    code = "recipe_unknown"
    zh = "没有名为“{name}”的数据配方。可用的配方：{known}"
    en = "There is no data recipe called “{name}”. Known recipes: {known}"
    status = 404
