"""The policy table in words: what every role is for and what every action means, in Chinese and English."""

from dataclasses import dataclass
from typing import Final

from liaoyuan.accounts.models import Role


@dataclass(frozen=True)
class Words:
    """One name and one sentence in both languages."""

    zh: str
    en: str
    zh_help: str
    en_help: str

    def name(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en

    def help(self, language: str) -> str:
        return self.zh_help if language.startswith("zh") else self.en_help


ROLES: Final[dict[str, Words]] = {
    Role.OWNER: Words(
        "所有者",
        "Owner",
        "对组织负全责：成员、密钥、审批与设置；可以做一切。",
        "Answers for the organization: members, keys, approvals, settings. May do everything.",
    ),
    Role.STEWARD: Words(
        "数据管理员",
        "Steward",
        "管理文档与数据，可见全部文档；不启动流水线，不审批上线。",
        "Looks after documents and data and sees all of them. Starts no pipeline, approves nothing.",
    ),
    Role.DEVELOPER: Words(
        "开发者",
        "Developer",
        "建立应用、运行流水线、部署；可创建自己的密钥。不删除文档，不审批。",
        "Builds solutions, runs pipelines, deploys, makes keys of their own. Erases no document, approves nothing.",
    ),
    Role.ANNOTATOR: Words(
        "标注员",
        "Annotator",
        "阅读、提问，并修订文档分块与数据样本。",
        "Reads, asks, and corrects passages and samples.",
    ),
    Role.AUDITOR: Words(
        "审计员",
        "Auditor",
        "只读：审计记录、问答记录、运维与安全报告；不提问，不修改。",
        "Only looks: audit log, traces, operations and security reports. Asks and changes nothing.",
    ),
    Role.VIEWER: Words(
        "查看者",
        "Viewer",
        "阅读所属分组可见的内容，提问并给出反馈。",
        "Reads what their groups may see, asks and gives feedback.",
    ),
}


def _action(zh: str, en: str, zh_help: str, en_help: str) -> Words:
    return Words(zh, en, zh_help, en_help)


# In the order in which a person meets them; the key is the group's name (zh, en).
ACTION_GROUPS: Final[dict[tuple[str, str], dict[str, Words]]] = {
    ("使用", "Use"): {
        "ask": _action("提问", "Ask", "向已上线的应用提问。", "Ask the live solutions questions."),
        "feedback.give": _action("给反馈", "Give feedback", "评价一个回答。", "Rate an answer."),
        "organization.view": _action("查看组织", "See the organization", "名称与概况。", "Its name and outline."),
        "solution.view": _action("查看应用", "See solutions", "应用及其六个阶段。", "Solutions and their stages."),
        "run.view": _action("查看运行", "See runs", "任务的状态与进度。", "State and progress of the jobs."),
        "document.view": _action("查看文档", "See documents", "所属分组可读的文档。", "What one's groups may read."),
        "dataset.view": _action("查看数据集", "See datasets", "数据集版本与样本。", "Versions and samples."),
        "model.view": _action("查看模型", "See models", "基座与训练所得模型。", "Base models and trained ones."),
        "deployment.view": _action("查看部署", "See deployments", "发布包与路由。", "Bundles and routes."),
        "lineage.view": _action("查看血缘", "See lineage", "从文档到回答的来源。", "From document to answer."),
    },
    ("文档与数据", "Documents and data"): {
        "collection.create": _action("新建文档集", "Create collections", "存放文档的集合。", "Places for documents."),
        "collection.settings": _action("文档集设置", "Set up collections", "索引与检索设置。", "Index and search."),
        "source.manage": _action("管理来源", "Manage sources", "文件夹、S3 与网页。", "Folders, S3 and web pages."),
        "question.edit": _action("编辑评测问题", "Edit test questions", "问题集与审核。", "Question sets, reviews."),
        "document.import": _action("导入文档", "Import documents", "上传并解析文件。", "Upload and parse files."),
        "document.edit": _action("修订文档", "Edit documents", "修改分块与可见分组。", "Change passages and groups."),
        "document.erase": _action("删除文档", "Erase documents", "连同派生内容删除。", "With all made from them."),
        "data.run": _action("运行数据阶段", "Run the data stage", "整理出数据集。", "Make datasets."),
        "dataset.edit": _action("修订数据集", "Edit datasets", "标注与修改样本。", "Label and change samples."),
    },
    ("建设", "Build"): {
        "solution.create": _action("新建应用", "Create solutions", "选择行业与场景。", "From industry and scenario."),
        "solution.run": _action("运行流水线", "Run pipelines", "启动六个阶段。", "Start the six stages."),
        "run.cancel": _action("取消运行", "Cancel runs", "停止进行中的任务。", "Stop jobs that run or wait."),
        "run.retry": _action("重试运行", "Retry runs", "再次执行失败的任务。", "Run failed jobs again."),
        "training.run": _action("运行训练", "Run training", "训练模型。", "Train models."),
        "evaluation.run": _action("运行评测", "Run evaluations", "评测模型与应用。", "Measure models, solutions."),
        "deployment.create": _action("创建部署", "Create deployments", "打包并提交上线。", "Bundle and submit."),
        "key.own": _action("自己的密钥", "Own API keys", "创建与吊销自己的密钥。", "Make and revoke one's own."),
    },
    ("监督", "Oversee"): {
        "trace.view": _action("查看问答记录", "See traces", "每个问题的经过。", "What happened for a question."),
        "operations.view": _action("查看运维", "See operations", "用量、成本与漂移。", "Usage, cost and drift."),
        "security.view": _action("查看安全", "See security", "护栏与合规报告。", "Guardrail, compliance reports."),
        "audit.view": _action("查看审计", "See the audit log", "谁在何时做了什么。", "Who did what, and when."),
        "member.view": _action("查看成员", "See members", "成员、角色与分组。", "Members, roles and groups."),
    },
    ("治理", "Govern"): {
        "deployment.approve": _action("审批上线", "Approve deployments", "批准或拒绝上线。", "Let a bundle go live."),
        "deployment.rollback": _action("回退部署", "Roll back deployments", "回到上一发布包。", "To the one before."),
        "member.manage": _action("管理成员", "Manage members", "邀请、改角色、停用。", "Invite, change, disable."),
        "key.manage": _action("管理全部密钥", "Manage all API keys", "查看并吊销所有密钥。", "Revoke anybody's."),
        "organization.settings": _action("组织设置", "Organization settings", "名称与导出。", "Its name, and exports."),
    },
}
ACTIONS: Final[dict[str, Words]] = {name: words for group in ACTION_GROUPS.values() for name, words in group.items()}

# What the audit log records (zh, en); several are no action of the policy table but what came of one.
EVENTS: Final[dict[str, tuple[str, str]]] = {
    "account.login": ("登录", "Signed in"),
    "account.login_link": ("用一次性链接登录", "Signed in by a one-time link"),
    "account.login_sso": ("单点登录", "Signed in by single sign-on"),
    "account.password": ("修改密码", "Password changed"),
    "account.totp_on": ("开启两步验证", "Two-step sign-in turned on"),
    "account.totp_off": ("关闭两步验证", "Two-step sign-in turned off"),
    "account.recovery_codes": ("重新生成恢复码", "New recovery codes made"),
    "audit.export": ("导出审计记录", "Audit log exported"),
    "audit.verify": ("校验审计链", "Audit chain verified"),
    "question_set.create": ("新建问题集", "Question set made"),
    "question_set.change": ("更改问题集", "Question set changed"),
    "question_set.delete": ("删除问题集", "Question set deleted"),
    "question_set.import": ("导入测试问题", "Test questions imported"),
    "question_set.synthesise": ("生成测试问题", "Test questions being made"),
    "ranking.learn": ("学习排序", "Order of search being learned"),
    "ranking.reset": ("恢复内置排序", "Back to the stock order"),
    "question.review": ("审核测试问题", "Test questions reviewed"),
    "document.unlock": ("提供文件密码", "Password of a file given"),
    "index.build": ("重建索引", "Index being rebuilt"),
    "index.drop": ("弃用索引", "Index dropped"),
    "index.swap": ("切换索引", "Index swapped"),
    "evaluation.start": ("开始评测", "Evaluation started"),
    "chunk.add": ("添加分块", "Chunk added"),
    "chunk.carry": ("沿用人工修改", "People's edits carried over"),
    "chunk.disable": ("停用分块", "Chunk switched off"),
    "chunk.edit": ("修改分块", "Chunk edited"),
    "chunk.enable": ("启用分块", "Chunk switched on"),
    "chunk.merge": ("合并分块", "Chunks merged"),
    "chunk.remove": ("移除分块", "Chunk removed"),
    "chunk.restore": ("还原分块", "Chunk restored"),
    "chunk.settle": ("处理未能沿用的修改", "Lost edit settled"),
    "chunk.split": ("拆分分块", "Chunk split"),
    "collection.settings": ("修改文档集设置", "Collection's settings changed"),
    "dataset.download": ("下载数据集", "Dataset downloaded"),
    "deployment.live": ("部署上线", "Deployment went live"),
    "deployment.rollback": ("部署回退", "Deployment rolled back"),
    "document.cancel": ("取消导入文件", "Files taken off the import"),
    "document.erase": ("删除文档", "Documents erased"),
    "document.groups": ("修改文档分组", "Documents' groups changed"),
    "document.import": ("导入文档", "Documents imported"),
    "document.reread": ("重新解析文档", "Documents read again"),
    "document.retry": ("重新导入文档", "Documents tried again"),
    "feedback.give": ("给出反馈", "Feedback given"),
    "feedback.withdraw": ("撤回反馈", "Feedback taken back"),
    "invitation.create": ("发出邀请", "Invitation made"),
    "invitation.renew": ("更新邀请链接", "Invitation link renewed"),
    "invitation.revoke": ("撤回邀请", "Invitation taken back"),
    "key.create": ("创建密钥", "API key made"),
    "key.revoke": ("吊销密钥", "API key revoked"),
    "member.add": ("成员加入", "Member joined"),
    "member.disable": ("停用成员", "Member disabled"),
    "member.enable": ("恢复成员", "Member re-admitted"),
    "member.export": ("导出成员名单", "Members exported"),
    "member.groups": ("修改成员分组", "Member's groups changed"),
    "member.leave": ("成员退出", "Member left"),
    "member.role": ("修改成员角色", "Member's role changed"),
    "organization.rename": ("修改组织名称", "Organization renamed"),
    "quota.change": ("调整额度", "Quota changed"),
    "route.weight": ("调整流量", "Route's weights changed"),
    "run.approve": ("批准", "Run approved"),
    "run.cancel": ("取消运行", "Run cancelled"),
    "run.requeue": ("重新排队", "Run put back into the queue"),
    "run.resume": ("继续运行", "Run resumed"),
    "run.retry": ("重试运行", "Run retried"),
    "security.report": ("生成安全报告", "Security report made"),
    "solution.archive": ("归档应用", "Solution archived"),
    "solution.create": ("新建应用", "Solution made"),
    "solution.rename": ("修改应用名称", "Solution renamed"),
    "solution.restore": ("恢复应用", "Solution restored"),
    "source.add": ("添加同步来源", "Source added"),
    "source.change": ("修改同步来源", "Source changed"),
    "source.confirm": ("确认终止来源文档", "Endings of a source agreed to"),
    "source.pause": ("暂停同步来源", "Source paused"),
    "source.rekey": ("更换来源的访问密钥", "Key of a source replaced"),
    "source.remove": ("移除同步来源", "Source removed"),
    "source.resume": ("恢复同步来源", "Source resumed"),
    "source.sync": ("同步来源", "Source synchronized"),
    "version.days": ("修改版本有效期", "Days of a version changed"),
    "version.in_force": ("版本生效", "Version put in force"),
    "version.withdraw": ("撤回版本", "Version withdrawn"),
}


def role_name(role: str, language: str) -> str:
    """The role as people call it; a role that nobody named is shown as it is written."""
    return ROLES[role].name(language) if role in ROLES else role


def action_name(action: str, language: str) -> str:
    """The action as people call it; one that nobody named is shown as it is written."""
    return ACTIONS[action].name(language) if action in ACTIONS else action


def event_name(action: str, language: str) -> str:
    """An audit entry's action as people call it; an unnamed one is shown as it is written."""
    zh, en = EVENTS.get(action, (action, action))
    return zh if language.startswith("zh") else en
