"""Which reading a Chinese character with several has, by its neighbours and in names.

The contexts are those of `assets/polyphones.txt`, whose head says how to read them:

    >>> words = ["孩子", "得", "学", "走路"]
    >>> reading_in_context(words, 1, 0)
    'dei3'

Surnames have readings of their own before a title, after 姓 and in the names of the dictionary.
"""

from itertools import product

from cosyvoice.text.numbers import CHINESE_DIGITS
from cosyvoice.tokenizer.contexts import LONGEST_SIDE, contexts
from cosyvoice.tokenizer.phrases import PHRASES
from cosyvoice.tokenizer.words import word_kind

NUMERALS = set(CHINESE_DIGITS + "两十百千万亿〇点")

SURNAMES = dict(
    pair.split()
    for pair in """
单 shan4,仇 qiu2,查 zha1,解 xie4,盖 ge3,乐 yue4,曾 zeng1,区 ou1,任 ren2,华 hua4,纪 ji3,翟 zhai2,
缪 miao4,朴 piao2,薄 bo2,燕 yan1,员 yun4,乜 nie4,种 chong2,覃 qin2,隗 wei3,应 ying1,召 shao4,
折 she2,秘 bi4,繁 po2,哈 ha3,宁 ning4,强 qiang2,盛 sheng4,相 xiang4,少 shao4,过 guo1,那 na1,
葛 ge3,曲 qu1,卜 bu3,牟 mu4,宿 su4,洗 xian3,柏 bai3,祭 zhai4,殷 yin1,句 gou1,要 yao1,干 gan1,
都 du1,尹 yin3,贾 jia3,石 shi2,沈 shen3,谌 chen2,郗 xi1,訾 zi1,晁 chao2,冼 xian3,肖 xiao1,
卓 zhuo2,尉 yu4,占 zhan1,钻 zuan1,兴 xing1,车 che1,冯 feng2,费 fei4,藏 zang1,臧 zang1
""".replace("\n", "").split(",")
)
# In full names of the dictionary; the others are more often words of their own.
NAME_SURNAMES = set("单仇查解乐曾区任华翟缪朴薄燕尹冼臧覃隗纪葛卜牟柏冯费盖员")
FOREIGN = set("尔斯里德特克姆拉曼瓦纳尼森罗塔图格兰维亚蒂娜莉洛基奇贝茨什普伯丁顿恩莱赫")
BEFORE_REN = {"", *"姓老小和跟找请叫给对向与是的问见让把被由听"}  # 任 before a title is else a verb
TITLES = set(
    """先生 女士 小姐 太太 夫人 老师 教授 博士 医生 大夫 护士 经理 总经理 董事长 主任 局长 处长
科长 部长 校长 院长 所长 县长 市长 省长 书记 主席 队长 班长 师傅 老板 律师 警官 法官 同学 同志
总 董 叔叔 叔 阿姨 大爷 大妈 大哥 大姐 奶奶 爷爷 某 某某 氏 公子 姑娘 将军 会长 厂长 店长 导演 编辑
记者 教练 助理 秘书 参谋 站长 团长 连长 营长 司令""".split()
)
OCCUPATIONS = set(
    """作家 画家 书法家 科学家 数学家 物理学家 化学家 思想家 政治家 军事家 文学家 史学家 音乐家
企业家 歌手 演员 导演 主持人 诗人 词人 名将 大将 将军 神医 总裁 董事长 总经理 教授 院士 书记 主席
部长 市长 省长 局长 校长 院长 主任 医生 老师 同学 记者 编剧 作曲家 钢琴家 运动员 教练 球员 律师
皇帝 丞相 宰相 大臣 大师 学者 名家""".split()
)


def reading_in_context(words: list[str], w: int, place: int) -> str:
    """The reading of character `place` of words[w] by its neighbours; "" if no context holds."""
    known = contexts().get(words[w][place])
    if not known:
        return ""
    found = [
        known[sides]
        for sides in product(left_sides(words, w, place), right_sides(words, w, place))
        if sides in known and sides != ("", "")
    ]
    return max(found)[1] if found else ""


def left_sides(words: list[str], w: int, place: int) -> list[str]:
    """What may stand for the left side of a context, from nothing to four characters."""
    before = "^" + "".join(words[max(0, w - LONGEST_SIDE) : w])[-LONGEST_SIDE:]
    literal = before + words[w][:place]
    sides = [literal[len(literal) - n :] for n in range(place, min(LONGEST_SIDE, len(literal)) + 1)]
    if w and not place:
        kind, farther = kind_of(words[w - 1]), before[: len(before) - len(words[w - 1])]
        sides += [kind, farther[-1:] + kind, farther[-2:] + kind]
        sides += [kind_of(words[w - 2]) + words[w - 1]] if w > 1 else []
    return sides


def right_sides(words: list[str], w: int, place: int) -> list[str]:
    after = "".join(words[w + 1 : w + 2 + LONGEST_SIDE])[: LONGEST_SIDE + 4] + "$"
    rest = words[w][place + 1 :]
    literal = rest + after
    sides = [literal[:n] for n in range(len(rest), min(LONGEST_SIDE, len(literal)) + 1)]
    if w + 1 < len(words) and not rest:
        kind, farther = kind_of(words[w + 1]), after[len(words[w + 1]) :]
        sides += [kind, kind + farther[:1], kind + farther[:2]]
        sides += [words[w + 1] + kind_of(words[w + 2])] if w + 2 < len(words) else []
    return sides


def kind_of(word: str) -> str:
    """The letter of the table for this kind of word; "?" for others."""
    if word != "第" and set(word.removeprefix("第")) <= NUMERALS:
        return "M"
    kind = word_kind(word)
    return "?" if kind == "N" and len(word) == 1 else kind or "?"


def surname_reading(words: list[str], w: int) -> str:
    """How words[w] is read as a surname, or begins as a name; "" where it is none."""
    word, before = words[w], words[w - 1] if w else ""
    if word[0] not in SURNAMES or not (is_name(word) or is_surname(words, w)):
        return ""
    if word[0] == "任" and before not in BEFORE_REN:
        return ""
    return SURNAMES[word[0]]


def is_name(word: str) -> bool:
    """Whether the dictionary has it as a name of three characters that is no foreign one."""
    return (
        len(word) == 3
        and word[0] in NAME_SURNAMES
        and word_kind(word) == "H"
        and word[-1] not in "县市区镇乡州"
        and FOREIGN.isdisjoint(word)
        and word_kind(word[:2]) in ("", "H")
        and word not in PHRASES
    )


def is_surname(words: list[str], w: int) -> bool:
    before, after = words[w - 1] if w else "", words[w + 1] if w + 1 < len(words) else ""
    return len(words[w]) == 1 and (
        after in TITLES
        or after[:1] == "某"
        or before in ("姓", "老", "小", "叫")
        or (before in OCCUPATIONS and words[w] in NAME_SURNAMES and len(after) in (1, 2))
    )
