"""Mandarin text -> phonemes: words, pinyin with tone sandhi, then IPA symbols with tone arrows.

    >>> mandarin_phonemes("你好世界")
    'ni↗xau↓ ʂɨ↘ʨje↘'

The spelling is that of misaki's first Chinese front end, which Kokoro v1.0 was trained with: no
mark between the syllables of a word, a space between words, the tone arrow after the vowel (before
a final n or ŋ), no arrow for the neutral tone. Unlike there, sandhi is written out: third tones, 一
and 不 carry the tone they are spoken with.
"""

import lzma
import math
import re
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise

from pypinyin import Style, lazy_pinyin

from cosyvoice.text.numbers import CHINESE_DIGITS
from cosyvoice.text.simplified import simplified

LONGEST_WORD = 4  # characters, in chinese.txt.xz
KEPT_WORDS = 20_000  # whose reading is kept in memory
# In the dictionary's unit, a quarter of a natural-log unit
UNKNOWN_COST = 72  # of a character that the dictionary lacks
PHRASE_COST = 40  # of a word of PHRASES that the dictionary lacks

INITIALS = {
    "b": "p",
    "p": "pʰ",
    "m": "m",
    "f": "f",
    "d": "t",
    "t": "tʰ",
    "n": "n",
    "l": "l",
    "g": "k",
    "k": "kʰ",
    "h": "x",
    "j": "ʨ",
    "q": "ʨʰ",
    "x": "ɕ",
    "zh": "ꭧ",
    "ch": "ꭧʰ",
    "sh": "ʂ",
    "r": "ɻ",
    "z": "ʦ",
    "c": "ʦʰ",
    "s": "s",
    "": "",
}
FINALS = {  # 0 marks the place of the tone arrow
    "a": "a0",
    "ai": "ai0",
    "an": "a0n",
    "ang": "a0ŋ",
    "ao": "au0",
    "e": "ɤ0",
    "ei": "ei0",
    "en": "ə0n",
    "eng": "ə0ŋ",
    "i": "i0",
    "ia": "ja0",
    "ian": "jɛ0n",
    "iang": "ja0ŋ",
    "iao": "jau0",
    "ie": "je0",
    "in": "i0n",
    "ing": "i0ŋ",
    "iong": "jʊ0ŋ",
    "iou": "jou0",
    "o": "wo0",
    "ong": "ʊ0ŋ",
    "ou": "ou0",
    "u": "u0",
    "ua": "wa0",
    "uai": "wai0",
    "uan": "wa0n",
    "uang": "wa0ŋ",
    "uei": "wei0",
    "uen": "wə0n",
    "ueng": "wə0ŋ",
    "uo": "wo0",
    "ü": "y0",
    "üan": "ɥɛ0n",
    "üe": "ɥe0",
    "ün": "y0n",
}
APICAL = "ɨ0"  # the vowel of zhi, chi, shi, ri, zi, ci, si
WHOLE_SYLLABLES = {  # interjections and syllabic consonants
    "er": "ɚ0",
    "o": "ɔ0",
    "ê": "ɛ0",
    "io": "jɔ0",
    "yo": "jɔ0",
    "m": "m0",
    "n": "n0",
    "ng": "ŋ0",
    "hm": "hm0",
    "hng": "hŋ0",
}
SPELT_FINALS = {"iu": "iou", "ui": "uei", "un": "uen"}  # after an initial
SPELT_SYLLABLES = {  # without one: y and w stand for i, u and ü
    "yi": "i",
    "yin": "in",
    "ying": "ing",
    "you": "iou",
    "yu": "ü",
    "yue": "üe",
    "yuan": "üan",
    "yun": "ün",
    "wu": "u",
    "wei": "uei",
    "wen": "uen",
    "weng": "ueng",
}
TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}

READINGS = {  # of single-character words, where pypinyin takes another
    "得": "de5",
    "地": "de5",
    "着": "zhe5",
    "了": "le5",
    "还": "hai2",
    "长": "chang2",
    "都": "dou1",
    "为": "wei4",
    "只": "zhi3",
    "行": "xing2",
    "没": "mei2",
    "种": "zhong3",
    "重": "zhong4",
    "教": "jiao1",
    "发": "fa1",
    "数": "shu4",
    "差": "cha4",
    "个": "ge4",
    "上": "shang4",
    "下": "xia4",
    "吗": "ma5",
    "吧": "ba5",
    "呢": "ne5",
    "啊": "a5",
    "嘛": "ma5",
    "呀": "ya5",
    "哪": "na3",
    "那": "na4",
    "谁": "shei2",
    "这": "zhe4",
    "嗯": "en4",
    "诶": "ei4",
    "哦": "o4",
    "喔": "o1",
    "〇": "ling2",
    "尽": "jin4",
    "干": "gan4",
    "背": "bei4",
    "倒": "dao4",
    "和": "he2",
    "系": "xi4",
    "血": "xue4",
    "当": "dang1",
    "便": "bian4",
    "儿": "er2",
    "朝": "chao2",
    "假": "jia3",
    "间": "jian1",
    "将": "jiang1",
    "角": "jiao3",
    "觉": "jue2",
    "空": "kong1",
    "量": "liang4",
    "弹": "tan2",
    "调": "tiao2",
    "应": "ying1",
    "载": "zai4",
    "转": "zhuan4",
    "中": "zhong1",
    "少": "shao3",
    "相": "xiang1",
    "要": "yao4",
    "好": "hao3",
    "给": "gei3",
    "会": "hui4",
    "看": "kan4",
    "落": "luo4",
    "露": "lu4",
    "削": "xiao1",
    "嚼": "jiao2",
    "切": "qie1",
}
PHRASES = {  # whole words that pypinyin reads otherwise
    "还有": "hai2 you3",
    "还是": "hai2 shi4",
    "还要": "hai2 yao4",
    "还在": "hai2 zai4",
    "还会": "hai2 hui4",
    "还能": "hai2 neng2",
    "还没": "hai2 mei2",
    "还不": "hai2 bu4",
    "还想": "hai2 xiang3",
    "还可以": "hai2 ke3 yi3",
    "行长": "hang2 zhang3",
    "觉得": "jue2 de5",
    "晓得": "xiao3 de5",
    "记得": "ji4 de5",
    "值得": "zhi2 de5",
    "懂得": "dong3 de5",
    "舍得": "she3 de5",
    "长得": "zhang3 de5",
    "朋友": "peng2 you5",
    "先生": "xian1 sheng5",
    "学生": "xue2 sheng5",
    "医生": "yi1 sheng5",
    "认识": "ren4 shi5",
    "知道": "zhi1 dao4",
    "喜欢": "xi3 huan5",
    "衣服": "yi1 fu5",
    "东西": "dong1 xi5",
    "漂亮": "piao4 liang5",
    "明白": "ming2 bai5",
    "时候": "shi2 hou5",
    "告诉": "gao4 su5",
    "意思": "yi4 si5",
    "关系": "guan1 xi5",
    "没关系": "mei2 guan1 xi5",
    "客气": "ke4 qi5",
    "休息": "xiu1 xi5",
    "消息": "xiao1 xi5",
    "商量": "shang1 liang5",
    "事情": "shi4 qing5",
    "打算": "da3 suan5",
    "故事": "gu4 shi5",
    "便宜": "pian2 yi5",
    "舒服": "shu1 fu5",
    "聪明": "cong1 ming5",
    "眼睛": "yan3 jing5",
    "耳朵": "er3 duo5",
    "头发": "tou2 fa5",
    "钥匙": "yao4 shi5",
    "窗户": "chuang1 hu5",
    "月亮": "yue4 liang5",
    "太阳": "tai4 yang2",
    "葡萄": "pu2 tao5",
    "豆腐": "dou4 fu5",
    "麻烦": "ma2 fan5",
    "热闹": "re4 nao5",
    "精神": "jing1 shen5",
    "清楚": "qing1 chu5",
    "干净": "gan1 jing4",
    "暖和": "nuan3 huo5",
    "地方": "di4 fang5",
    "大夫": "dai4 fu5",
    "护士": "hu4 shi5",
    "丈夫": "zhang4 fu5",
    "姑娘": "gu1 niang5",
    "力气": "li4 qi5",
    "脾气": "pi2 qi5",
    "名字": "ming2 zi5",
    "队伍": "dui4 wu5",
    "困难": "kun4 nan5",
    "部分": "bu4 fen5",
    "行李": "xing2 li5",
    "爱人": "ai4 ren5",
    "亲戚": "qin1 qi5",
    "咳嗽": "ke2 sou5",
    "收拾": "shou1 shi5",
    "打听": "da3 ting5",
    "招呼": "zhao1 hu5",
    "笑话": "xiao4 hua5",
    "黄瓜": "huang2 gua5",
    "西瓜": "xi1 gua5",
    "味道": "wei4 dao5",
    "生意": "sheng1 yi5",
    "师傅": "shi1 fu5",
    "骨头": "gu3 tou5",
    "石头": "shi2 tou5",
    "馒头": "man2 tou5",
    "里头": "li3 tou5",
    "外头": "wai4 tou5",
    "前头": "qian2 tou5",
    "后头": "hou4 tou5",
    "木头": "mu4 tou5",
    "舌头": "she2 tou5",
    "这么": "zhe4 me5",
    "那么": "na4 me5",
    "怎么": "zen3 me5",
    "什么": "shen2 me5",
    "多么": "duo1 me5",
    "为什么": "wei4 shen2 me5",
    "怎么样": "zen3 me5 yang4",
    "晚上": "wan3 shang5",
    "早上": "zao3 shang5",
    "一下": "yi2 xia4",
    "一下子": "yi2 xia4 zi5",
    "看见": "kan4 jian4",
    "晴天": "qing2 tian1",
    "因为": "yin1 wei4",
    "以为": "yi3 wei2",
    "认为": "ren4 wei2",
    "成为": "cheng2 wei2",
    "作为": "zuo4 wei2",
    "行为": "xing2 wei2",
    "只是": "zhi3 shi4",
    "只有": "zhi3 you3",
    "只能": "zhi3 neng2",
    "只要": "zhi3 yao4",
    "只好": "zhi3 hao3",
    "只会": "zhi3 hui4",
    "长大": "zhang3 da4",
    "校长": "xiao4 zhang3",
    "银行": "yin2 hang2",
    "长江": "chang2 jiang1",
    "成长": "cheng2 zhang3",
    "爸爸": "ba4 ba5",
    "妈妈": "ma1 ma5",
    "哥哥": "ge1 ge5",
    "姐姐": "jie3 jie5",
    "弟弟": "di4 di5",
    "妹妹": "mei4 mei5",
    "爷爷": "ye2 ye5",
    "奶奶": "nai3 nai5",
    "叔叔": "shu1 shu5",
    "谢谢": "xie4 xie5",
    "星星": "xing1 xing5",
    "宝宝": "bao3 bao5",
    "公公": "gong1 gong5",
    "婆婆": "po2 po5",
    "太太": "tai4 tai5",
    "娃娃": "wa2 wa5",
    "看看": "kan4 kan5",
    "试试": "shi4 shi5",
    "说说": "shuo1 shuo5",
    "听听": "ting1 ting5",
    "想想": "xiang2 xiang5",
    "走走": "zou2 zou5",
    "等等": "deng2 deng3",
    "说得": "shuo1 de5",
    "的话": "de5 hua4",
    "过去": "guo4 qu4",
    "出去": "chu1 qu5",
    "进来": "jin4 lai5",
    "起来": "qi3 lai5",
    "下来": "xia4 lai5",
    "上来": "shang4 lai5",
    "回来": "hui2 lai5",
    "出来": "chu1 lai5",
    "过来": "guo4 lai5",
    "进去": "jin4 qu5",
    "回去": "hui2 qu5",
    "上去": "shang4 qu5",
    "下去": "xia4 qu5",
    "系好": "ji4 hao3",
    "系上": "ji4 shang5",
    "系紧": "ji4 jin3",
    "系鞋带": "ji4 xie2 dai4",
    "系领带": "ji4 ling3 dai4",
    "系围巾": "ji4 wei2 jin1",
    "系安全带": "ji4 an1 quan2 dai4",
    "琢磨": "zuo2 mo5",
    "踏实": "ta1 shi5",
    "结实": "jie1 shi5",
    "答应": "da1 ying5",
    "吓唬": "xia4 hu5",
    "别扭": "bie4 niu5",
    "泊车": "bo2 che1",
    "占星": "zhan1 xing1",
    "择菜": "zhai2 cai4",
    "和面": "huo2 mian4",
    "扇风": "shan1 feng1",
    "落下": "luo4 xia4",
    "着实": "zhuo2 shi2",
    "找不着": "zhao3 bu4 zhao2",
    "缘分": "yuan2 fen4",
    "打转": "da3 zhuan4",
}
ALWAYS = {  # in any word; pypinyin's phrases have some sandhi in them
    "一": "yi1",
    "不": "bu4",
    "幢": "zhuang4",
    "拽": "zhuai4",
}
READINGS_BEFORE = {  # single-character words with another reading before some characters
    "得": ("了到过", "de2"),
    "长": ("得着出成大满高", "zhang3"),
    "还": ("钱书款清债给", "huan2"),
    "背": ("着包", "bei1"),
    "都": ("市城", "du1"),
    "量": ("身体血一了", "liang2"),
    "系": ("着", "ji4"),
}
FULL_ZI_AFTER = set("孔老电女男原分王量弟君质离光核中孟庄")  # 孔子, 电子, 女子: a third tone
SUBJECTS = set("我你您他她它们谁也都还就可")  # 得 after one of these is děi, "must"
NUMERALS = set(CHINESE_DIGITS + "两十百千万亿〇点")
ORDINAL_MARKS = {"第", "初"}  # 一 after these counts in order, and keeps its tone
# It also does before these, and in numbers read digit by digit.
ORDINAL_NOUNS = (*"月号日楼层班级", "年级", *CHINESE_DIGITS)
DECIMALS = {"点" + digit for digit in CHINESE_DIGITS}


def mandarin_phonemes(text: str) -> str:
    """Spell Chinese characters (nothing else in `text`) as phonemes, words apart by spaces."""
    return " ".join("".join(map(spell, word)) for word in spoken_pinyin(text))


def spoken_pinyin(text: str) -> list[list[str]]:
    """The syllables of each word with the tone numbers they have in this context."""
    text = simplified(text)
    words = join_single_numerals(cut_words(text))
    syllables = [
        read_word(word, before, after)
        for before, word, after in zip(["", *words], words, [*words[1:], ""])
    ]
    tone_of_yi_and_bu(text, words, syllables)
    third_tones(syllables)
    return syllables


@cache
def word_costs() -> dict[str, int]:
    """The dictionary: cost of each word, in a quarter of a natural-log unit."""
    data = lzma.decompress(
        files(__package__).joinpath("assets/chinese.txt.xz").read_bytes()
    ).decode()
    groups = (line.split("\t") for line in data.splitlines())
    return dict.fromkeys(PHRASES, PHRASE_COST) | {
        word: int(cost) for cost, words in groups for word in words.split(" ")
    }


def cut_words(text: str) -> list[str]:
    """Cut text into its most probable words (unigram model, shortest path)."""
    costs, best = word_costs(), [(0, 0)]  # best[end] = (cost so far, start of the last word)
    for end in range(1, len(text) + 1):
        best.append(
            min(
                (best[start][0] + word_cost(costs, text[start:end]), start)
                for start in range(max(0, end - LONGEST_WORD), end)
            )
        )
    words, end = [], len(text)
    while end:
        words.append(text[best[end][1] : end])
        end = best[end][1]
    return words[::-1]


def word_cost(costs: dict[str, int], word: str) -> float:
    return costs.get(word, UNKNOWN_COST if len(word) == 1 else math.inf)


def join_single_numerals(words: list[str]) -> list[str]:
    """Write digits read one by one, and 不 or 一 with what follows, as one word."""
    joined = []
    for word in words:
        previous = joined[-1] if joined else ""
        digits = set(previous + word) <= NUMERALS
        if previous and (digits or (previous in ("不", "一") and len(word) == 1)):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def word_pinyin(word: str) -> tuple[str, ...]:
    """Pinyin of one word with tone numbers (5: neutral), before sandhi."""
    kept = len(word) <= LONGEST_WORD  # digits that are read one by one are one word
    return (_word_pinyin if kept else _word_pinyin.__wrapped__)(word)


@lru_cache(maxsize=KEPT_WORDS)
def _word_pinyin(word: str) -> tuple[str, ...]:
    if word in PHRASES:
        return tuple(PHRASES[word].split())
    if word in READINGS:
        return (READINGS[word],)
    pinyin = lazy_pinyin(
        word, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=True, errors="ignore"
    )
    return tuple(ALWAYS.get(character, syllable) for character, syllable in zip(word, pinyin))


def read_word(word: str, before: str, after: str) -> list[str]:
    """Pinyin of a word between its neighbours, before sandhi."""
    followers, reading = READINGS_BEFORE.get(word, ("", ""))
    if after and after[0] in followers:
        return [reading]
    if word == "得" and before and before[-1] in SUBJECTS:
        return ["dei3"]
    return list(neutral_suffix(word, word_pinyin(word)))


def neutral_suffix(word: str, syllables: tuple[str, ...]) -> tuple[str, ...]:
    """们 and most 子 at the end of a word are neutral."""
    neutral = len(word) > 1 and (
        word[-1] == "们" or (word[-1] == "子" and word[-2] not in FULL_ZI_AFTER)
    )
    return (*syllables[:-1], syllables[-1][:-1] + "5") if neutral else syllables


def tone_of_yi_and_bu(text: str, words: list[str], syllables: list[list[str]]) -> None:
    """Set the tones of 一 and 不 by what follows them. Changes `syllables`."""
    places = [(w, s) for w, word in enumerate(syllables) for s in range(len(word))]
    if len(places) != len(text):  # a character without reading: leave all as they are
        return
    for i, (w, s) in enumerate(places):
        following = syllables[places[i + 1][0]][places[i + 1][1]] if i + 1 < len(places) else ""
        if text[i] == "不" and following[-1:] == "4":
            syllables[w][s] = "bu2"
        if (
            text[i] == "一"
            and syllables[w][s] == "yi1"
            and following
            and not counts_in_order(text, i, s, words[w])
        ):
            syllables[w][s] = "yi2" if following[-1] in "45" else "yi4"
        if text[i] in "一不" and 0 < i < len(text) - 1 and text[i - 1] == text[i + 1]:
            syllables[w][s] = syllables[w][s][:-1] + "5"  # 看一看, 好不好


def counts_in_order(text: str, i: int, place: int, word: str) -> bool:
    """Whether the 一 at text[i] keeps its first tone: a digit, an ordinal, the end of a word."""
    before, after = text[max(0, i - 1) : i], text[i + 1 : i + 3]
    ends_word = place == len(word) - 1 and len(word) > 1
    in_number = before in NUMERALS and after[0] not in "百千万亿"
    return (
        ends_word
        or in_number
        or before in ORDINAL_MARKS
        or after.startswith(ORDINAL_NOUNS)
        or after in DECIMALS
    )


def third_tones(syllables: list[list[str]]) -> None:
    """A third tone before a third tone becomes a second.

    First inside words, then between words, from the last to the first.
    """
    for word in syllables:
        for i in range(len(word) - 1):
            if word[i][-1] == "3" and word[i + 1][-1] == "3":
                word[i] = word[i][:-1] + "2"
    for left, right in reversed(list(pairwise(syllables))):
        if left and right and left[-1][-1] == "3" and right[0][-1] == "3":
            left[-1] = left[-1][:-1] + "2"


@lru_cache(maxsize=KEPT_WORDS)
def spell(syllable: str) -> str:
    """One pinyin syllable with its tone number -> phonemes; "" for one Mandarin does not have."""
    name, tone = syllable[:-1].replace("v", "ü"), TONES.get(syllable[-1:], "")
    if name in WHOLE_SYLLABLES:
        return WHOLE_SYLLABLES[name].replace("0", tone)
    initial, final = split_syllable(name)
    if final not in FINALS:
        return ""
    apical = final == "i" and initial in ("zh", "ch", "sh", "r", "z", "c", "s")
    return INITIALS[initial] + (APICAL if apical else FINALS[final]).replace("0", tone)


def split_syllable(name: str) -> tuple[str, str]:
    """Pinyin letters -> (initial, final), the final in its full spelling: "jun" -> ("j", "ün")."""
    if name[:1] in ("y", "w"):
        return "", SPELT_SYLLABLES.get(name, {"y": "i", "w": "u"}[name[0]] + name[1:])
    initial = re.match("[zcs]h|[bpmfdtnlgkhjqxrzcs]|", name)[0]
    final = name[len(initial) :]
    if initial in ("j", "q", "x"):
        final = re.sub("^u", "ü", final)  # "un" after these is "ün", not "uen"
    elif final == "ue":
        final = "üe"
    return initial, SPELT_FINALS.get(final, final)
