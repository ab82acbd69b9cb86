"""Chinese scores and ratios."""

import re

from cosyvoice.text.chinese.numbers import COUNTED, any_of, number
from cosyvoice.text.spans import after, before, reader

TEAM = any_of(
    """
    中国 国足 男足 女足 男篮 女篮 女排 男排 日本 韩国 朝鲜 巴西 阿根廷 德国 法国 英格兰 意大利
    西班牙 葡萄牙 荷兰 比利时 克罗地亚 丹麦 瑞典 瑞士 波兰 塞尔维亚 乌拉圭 哥伦比亚 墨西哥 美国
    加拿大 澳大利亚 沙特 伊朗 伊拉克 卡塔尔 阿联酋 摩洛哥 塞内加尔 喀麦隆 加纳 埃及 俄罗斯 乌克兰
    土耳其 希腊 奥地利 捷克 威尔士 苏格兰 越南 泰国 皇马 巴萨 曼联 曼城 利物浦 切尔西 阿森纳 热刺
    拜仁 多特 尤文 国米 米兰 罗马 那不勒斯 拉齐奥 巴黎 马竞 恒大 国安 申花 泰山 上港 海港 湖人 勇士
    凯尔特人 热火 快船 火箭 马刺 雄鹿 太阳 掘金 骑士 尼克斯 篮网 猛龙 公牛 独行侠 灰熊 鹈鹕 广东
    辽宁 北京 上海 山东 浙江 主队 客队 对手 爆冷 队
    """
)
RESULT = (
    r"[大小险完惨绝轻力]?[胜负平克]|战[胜平]|击败|领先|落后|逆转|横扫|绝杀|取胜|获胜|告负|淘汰"
    r"|拿下|赢|输|"
    r"不敌|轻取|的?大?比分|的?总比分"
)
COUNT = r"(?:比分|总分|局分|战成|打成|扳成|追成|比例尺?|比值)[^\d，。,]{0,6}"


def is_score(match: re.Match[str]) -> bool:
    """Whether words of a match stand around two numbers."""
    return before(match, COUNT) or after(match, rf" ?(?:{RESULT})")


def score(match: re.Match[str]) -> str | None:
    """2-3 -> 二比三, where teams or words of a match stand around it."""
    teams = before(match, rf"{TEAM}[：: 以]{{0,2}}") or after(match, rf" ?{TEAM}")
    if not is_score(match) and not (teams and not COUNTED.match(match.string, match.end())):
        return None
    return "比".join(number(part) for part in re.split(r" ?[-–—/] ?", match[0]))


def ratio(match: re.Match[str]) -> str:
    """3:2, 16:9, 1:50000."""
    return "比".join(number(part) for part in re.split(r" ?: ?", match[0]))


def difference(match: re.Match[str]) -> str | None:
    """5-2, where it is no range: a score when both are small, else 减."""
    first, last = (int(part) for part in re.split(r" ?[-–] ?", match[0]))
    if first < last:
        return None
    return f"{number(str(first))}{'比' if first <= 10 else '减'}{number(str(last))}"


ALONE, APART = r"(?<![\d.:/A-Za-z+-])", r"(?![\d:/%A-Za-z+-]|\.\d)"
READERS = (
    reader("score", rf"{ALONE}\d{{1,3}} ?[-–—/] ?\d{{1,3}}{APART}", score),
    reader("score", r"(?<![\d.])(?<!\d:)\d+(?:\.\d+)?(?: ?: ?\d+(?:\.\d+)?)+(?![\d:])", ratio),
    reader("mathematics", rf"{ALONE}\d{{1,3}} ?[-–] ?\d{{1,3}}{APART}", difference),
)
