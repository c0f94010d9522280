"""Why a file was not read: stable codes, each with a sentence that says what to do."""

from liaoyuan.errors import LiaoyuanError


class ParseRejected(LiaoyuanError):
    """The file gives no blocks. Costs this one file; the others of an import go on."""

    status = 422


class EmptyFile(ParseRejected):
    code = "empty_file"
    zh = "文件“{name}”是空的（0 字节）。请重新导出后上传。"
    en = "“{name}” is empty (0 bytes). Export it again and upload the new file."


class Unreadable(ParseRejected):
    code = "unreadable"
    zh = "无法打开文件“{name}”。请检查文件是否存在以及读取权限。"
    en = "“{name}” cannot be opened. Check that it exists and that it may be read."


class Encrypted(ParseRejected):
    """Protected in a way that no password given here opens: a bought book, an enciphered member of an archive."""

    code = "encrypted"
    zh = "文件“{name}”已加密，平台无法打开。请用原软件去除保护后重新上传。"
    en = "“{name}” is enciphered in a way that cannot be opened here. Remove the protection and upload it again."


class PasswordNeeded(ParseRejected):
    code = "password_needed"
    zh = "文件“{name}”受密码保护。请在该文件旁输入密码，或去除密码后重新上传。密码只用一次，不会保存。"
    en = (
        "“{name}” is password-protected. Enter its password beside the file, or remove it and upload the file again. "
        "The password is used once and is not kept."
    )


class PasswordWrong(ParseRejected):
    code = "password_wrong"
    zh = "文件“{name}”的密码不正确。请检查后重新输入。"
    en = "The password for “{name}” is wrong. Check it and enter it again."


class Corrupt(ParseRejected):
    code = "corrupt"
    zh = "文件“{name}”已损坏或不完整。请用原软件打开并另存，然后重新上传。"
    en = "“{name}” is damaged or incomplete. Open it in its own program, save a copy and upload that."


class UnsupportedType(ParseRejected):
    code = "unsupported_type"
    zh = (
        "不支持文件“{name}”的类型（{detail}）。请转换为 PDF、DOCX、XLSX、PPTX 或 TXT；"
        "也可以是 DOC、XLS、PPT、RTF、ODT、ODS、ODP、EPUB、HTML、XML、Markdown、CSV、EML、MSG、图片，或这些文件的 ZIP。"
    )
    en = (
        "“{name}” is of an unsupported type ({detail}). Convert it to PDF, DOCX, XLSX, PPTX or TXT; DOC, XLS, PPT, "
        "RTF, ODT, ODS, ODP, EPUB, HTML, XML, Markdown, CSV, EML, MSG, pictures and ZIP files of these are "
        "read as well."
    )


class HeicPicture(ParseRejected):
    """Apple's pictures need a decoder under licences that the platform does not carry."""

    code = "unsupported_heic"
    zh = "图片“{name}”是 HEIC 格式，无法读取。请转为 JPEG 或 PNG 后上传（iPhone：设置 → 相机 → 格式 → 兼容性最佳）。"
    en = (
        "The picture “{name}” is in the HEIC format, which is not read here. Convert it to JPEG or PNG and upload that "
        "(iPhone: Settings → Camera → Formats → Most Compatible)."
    )


class TooLarge(ParseRejected):
    code = "too_large"
    zh = "文件“{name}”超出大小上限（{detail}）。请拆分后上传，或请管理员提高上限。"
    en = "“{name}” is over the size limit ({detail}). Split it, or ask an administrator to raise the limit."


class TooManyPages(ParseRejected):
    code = "too_many_pages"
    zh = "文件“{name}”页数过多（{detail}），只读取了上限以内的页。请拆分后上传其余部分。"
    en = "“{name}” has too many pages ({detail}); only those within the limit were read. Split it and upload the rest."


class ZipBomb(ParseRejected):
    code = "zip_bomb"
    zh = "文件“{name}”的压缩内容不安全（{detail}），未解压。请去除内嵌的压缩包或重新导出。"
    en = "“{name}” is unsafe to unpack ({detail}) and was not. Remove archives inside it or export it again."


class ImageTooLarge(ParseRejected):
    code = "image_too_large"
    zh = "图像“{name}”的像素过多（{detail}）。请缩小后上传。"
    en = "The image “{name}” has too many pixels ({detail}). Scale it down and upload it again."


class ParseTimeout(ParseRejected):
    code = "timeout"
    zh = "文件“{name}”未能在 {detail} 秒内读完。请拆分后上传，或请管理员提高时限。"
    en = (
        "“{name}” could not be read within {detail} seconds. Split it, or ask an administrator to raise the time limit."
    )
    retryable = True


class OutOfMemory(ParseRejected):
    code = "out_of_memory"
    zh = "读取文件“{name}”所需内存超出上限。请拆分或缩小后上传。"
    en = "Reading “{name}” needs more memory than is allowed. Split it or make it smaller."


class Crashed(ParseRejected):
    code = "crashed"
    zh = "读取文件“{name}”时解析进程异常退出（{detail}）。请另存为新文件后重试；若仍失败，请联系管理员。"
    en = "The parser died on “{name}” ({detail}). Save a new copy and try again, or tell an administrator."
    retryable = True


class NoText(ParseRejected):
    code = "no_text"
    zh = "文件“{name}”中没有可识别的文字。若为扫描件，请以更高分辨率重新扫描。"
    en = "No text was found in “{name}”. If it is a scan, scan it again at a higher resolution."


class UnsafeName(ParseRejected):
    code = "unsafe_name"
    zh = "文件名不安全（含路径、空字符，或超过 255 字节）。请改名后上传。"
    en = (
        "The file name is unsafe (it holds a path or a NUL, or is over 255 bytes). Rename the file and upload it again."
    )


class NoSuchPage(ParseRejected):
    code = "no_such_page"
    zh = "文件“{name}”没有第 {detail} 页。请检查页码。"
    en = "“{name}” has no page {detail}. Check the page number."
    status = 404


REJECTIONS: dict[str, type[ParseRejected]] = {
    kind.code: kind
    for kind in (
        EmptyFile, Unreadable, Encrypted, PasswordNeeded, PasswordWrong, Corrupt, UnsupportedType, HeicPicture,
        TooLarge, TooManyPages, ZipBomb, ImageTooLarge, ParseTimeout, OutOfMemory, Crashed, NoText, UnsafeName,
        NoSuchPage,
    )
}  # fmt: skip
