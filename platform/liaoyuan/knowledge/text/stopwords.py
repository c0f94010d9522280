"""Words that carry no subject. Question words are apart: they tell the kind of question, never its topic."""

from typing import Final

_CHINESE = """
的话 以及 或者 并且 而且 但是 因此 所以 如果 对于 关于 由于 为了 通过 按照 根据 依照 其中 以上 以下 之一 之间 其他
其它 有关 相关 一个 一种 这个 那个 这些 那些 我们 他们 它们 自己 本人 进行 予以 给予 作为 及其 并对 不仅 还有 还是
就是 也是 都是 而是 已经 正在 应当 应该 必须 可以 能够 不得 属于 具有 所有 各种 各类 一定 一般 例如 比如 等等 同时
此外 另外 或是 是否
"""

_QUESTION = """
什么 怎么 怎样 怎么样 如何 为何 为什么 哪些 哪个 哪里 哪种 哪类 哪几 哪几种 哪几类 哪一 哪家 哪部 哪两 多少 几个
几种 几天 几年 几次 多久 多长 多大 多高 是否 能否 可否 能不能 可不可以 要不要 是不是 有没有 需不需要 行不行 算不算
需要 可以 应该 应当 必须 能够 请问 想问 我想 告诉 知道 了解 一下 的话 到底 究竟 会不会 谁来 由谁 是谁 找谁 吗 呢 哪
谁 有什么 是什么 做什么 怎么办 怎么罚 怎么做 什么样 什么时候 多长时间 时候 情况 时间 具体 规定 要求 分别 内容 主要
包括 不能 能不 不可 可不 要么 是啥 干啥 啥 怎么处 哪条 得不 几点 几级 几人 几名 几分 最迟 最早 最晚 最长 最短 最多
最少 哪天 哪几天 哪一天 多远 长时间 百分之几 百分之 百分 么条 么时 么样 属于 还是 或者 如果 之后 以后 是什 有哪 些情
之前 以前 之内 以内 之外 以外 当中 里面 外面 上面 下面 期间 回来 下来 上去 起来 出来 过来 过去 事后 事先 别的 这种 那种
这样 那样 这么 那么 哪儿 才能 才可以 不能不 不能自己 不得不 来得 来得及 来不及 一次 一天 一年 一家 一些 一下子 有人 有些
有点 最多能 至多 顶多 最大 最小 干什么 干嘛 凭什么 要是 假如 只要 只有 除了 除非 还要 还得 还能 算是 算数 怎么罚 怎么算
怎么写 多大 几倍 多少度 多少钱 东西 事情 地方 方面 想要 打算 感觉 觉得 听说 好像 大概 大约 左右 差不多 通常 平时 经常
赶紧 赶快 够不够 行吗 对吗 好吗 没有 经过 另外 说的 讲的 写的 别人 有没 没有责任 些什 会有 会被 能被 要被
由哪 要什 要多 要几 哪一级 哪级 天内 日内 每个 几回 几趟 几遍 一回 一趟 一起
what which who whom whose when where why how many much long often do did
can could may might must shall should would will tell pleas explain describ list name give me know need
get got happen someon somebodi anyon anybodi someth thing want go went make happen let put ever exact actual own
"""

_ENGLISH = """
a an the and or but if then else of to in on at by for from with without within into onto over under between among
as is are was were be been being am do does did done have has had having i you he she it we they me him her us them
my your his its our their this that these those there here not no nor so than too very can could may might must
shall should will would what which who whom whose when where why how about also any all each every some such only
after before during until since while again just still ever own same other another more most much many few both
either neither per via etc eg ie s t
"""

CHINESE: Final = frozenset(_CHINESE.split())
QUESTION: Final = frozenset(_QUESTION.split())
ENGLISH: Final = frozenset(_ENGLISH.split())
