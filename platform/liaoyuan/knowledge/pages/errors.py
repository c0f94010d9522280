"""What can keep a page from being shown."""

from liaoyuan.errors import LiaoyuanError


class DocumentErased(LiaoyuanError):
    code = "document_erased"
    zh = "该文档已于 {day} 删除，内容无法再打开。"
    en = "This document was erased on {day}; its content can no longer be opened."
    status = 404


class PagesBusy(LiaoyuanError):
    code = "pages_busy"
    zh = "正在生成的页面图像过多，请稍候几秒再试。"
    en = "Too many page pictures are being drawn right now. Try again in a few seconds."
    retryable = True
    status = 503
