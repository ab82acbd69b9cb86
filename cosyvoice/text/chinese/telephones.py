"""Chinese telephone numbers: figures one by one, with 幺 for 1."""

import re

from cosyvoice.text.chinese.numbers import COUNTER, any_of
from cosyvoice.text.numbers import telephone_digits
from cosyvoice.text.spans import after, before, reader

EMERGENCY = any_of("110 119 120 122 114 112 911 999 121 117")
KNOWN = any_of(r"10086 10010 12[13](?!00)\d\d 95\d{3}")  # unless something is counted
SERVICE = any_of(r"100(?:0[1-9]|[189]\d) 10000 11185 116114 12[1-3]\d\d 125\d\d 9[56]\d{3,4}")
CALLING = any_of(
    """
    [拨叫呼警救] 打(?!折|[了到破]) 报(?![价告名]) (?:电话|热线)[：:是为]? 致电 联系 咨询 查询 急救
    客服
    """
)
CALLED = any_of(
    """
    急救 救护 报警 火警 电话 热线 来了 接警 指挥 平台 客服 官网 网站 软件 小程序 公众号 中心 警
    台(?!币)
    """
)
NAMES_A_NUMBER = any_of("电话 致电 拨打 热线 传真 座机 手机号?码? 联系方式 TEL Tel tel")


def telephone(match: re.Match[str]) -> str:
    """The figures, and the extension after 转."""
    words = telephone_digits(re.sub(r"\D", "", match["number"]))
    return words + ("转" + telephone_digits(match["extension"]) if match["extension"] else "")


def service(match: re.Match[str]) -> str | None:
    """110 and 12306 where somebody calls them; an emergency number also where it stands alone."""
    counted = after(match, f"{COUNTER}|名")
    called = (
        before(match, rf"{CALLING}[^\d，。]{{0,3}}(?:\d{{3,5}} ?[、,，和或及/] ?){{0,4}}", 32)
        or not counted
        and (re.fullmatch(KNOWN, match[0]) or after(match, rf"[^\d，。]{{0,5}}?{CALLED}"))
        or re.fullmatch(rf"{EMERGENCY}[。！？.!?]?", match.string.strip())
    )
    return telephone_digits(match[0]) if called else None


FORMS = (
    r"(?:\+|00)\d{1,3}[ -]?(?:\(?\d{1,4}\)?[ -]?)?\d{3,4}[ -]?\d{3,4}(?:[ -]?\d{2,4})?",  # abroad
    r"(?:86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}",  # a mobile telephone
    r"1[3-9]\d{2}[ -]\d{3}[ -]\d{4}",
    r"\(0\d{1,3}\)[ -]?\d{3,4}[ -]?\d{4}",  # with the code of a city
    r"0\d{1,3}[ -]\d{3,4}[ -]?\d{4}",
    r"0\d{2,3}[2-8]\d{6,7}",
    r"[48]00[ -]?\d{3,4}[ -]?\d{3,4}",
    r"\(?\d{3}\)?[ -]\d{3}[ -]\d{4}",
    r"\d{4}[ -]\d{4}[ -]\d{4}(?:[ -]\d{4}(?:[ -]\d{3})?)?",  # a card
)
BEGIN = r"(?<![\d.])(?<!\d-)"
EXTENSION = r"(?: ?(?:转|-|ext\.?|分机) ?(?P<extension>\d{1,6}))?(?!\d|-\d)"

READERS = (
    *(reader("telephone", rf"{BEGIN}(?P<number>{form}){EXTENSION}", telephone) for form in FORMS),
    reader(
        "telephone",
        rf"{NAMES_A_NUMBER}[:：是为. 号码请]{{0,3}}"
        rf"(?P<span>(?P<number>\d{{3,4}}[ -]?\d{{3,4}}(?:[ -]?\d{{1,5}})?){EXTENSION})",
        telephone,
    ),
    reader(
        "telephone",
        rf"(?<![\d.A-Za-z-])(?:{EMERGENCY}|{KNOWN}|{SERVICE})(?![\d%A-Za-z-]|\.\d)",
        service,
    ),
)
