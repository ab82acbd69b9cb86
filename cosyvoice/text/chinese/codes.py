"""Chinese codes: models, flights, plates, licences, versions, rooms, and numbers that are names.

Up to two figures of a code are a number (COVID-19, A4), more are read one by one (CA1301, 波音747).
"""

import re

from cosyvoice.text.chinese.numbers import COUNTED, COUNTER, any_of, number, ordinal
from cosyvoice.text.language import HAN
from cosyvoice.text.numbers import chinese_digits, telephone_digits
from cosyvoice.text.spans import after, before, reader

# What a code is called, before it
NAMED = any_of(
    """
    验证码 校验码 动态码 密码 口令 尾号 卡号 学号 工号 编号 单号 账号 帐号 编码 邮编 邮政编码
    邀请码 取件码 取餐码 提取码 兑换码 代码 条码 条形码 序列号 车次 航班号? 房间号? 房号 门牌号
    门牌 座位号 身份证号?码? 护照号?码? 证号 号码 批号 文号 股票 基金 群号? QQ群?号? qq群?号?
    微信号? ID id 病历号 床号 考号 准考证号? 会议号 会议ID 频道 端口 流水号 合同号 发票号 税号 货号
    款号 型号 区号 国标 准字 机号 档案号 案号 书号 订单 运单 快递 备案号 备 ISBN 字第 状态码 错误码
    错误代码 返回码
    """
)
IS = r"[：: 是为号]{0,3}"
PLATE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
HYPHENED = any_of(  # names with a number behind a hyphen: 歼-20, 附件-3
    """
    歼 轰 运 直 强 教 水 空警 空 苏 米格 图 伊尔 安 卡 幻影 阵风 枭龙 翼龙 彩虹 攻击 无侦 东风 红旗
    巨浪 鹰击 霹雳 海红旗 嫦娥 神舟 天宫 天舟 天问 天链 长征 快舟 北斗 风云 高分 玉兔 祝融 实践
    遥感 海洋 资源 问天 梦天 阿波罗 联盟 旅行者 哈勃 附件 附录 附表 附图 图 表 公式 例 式 习题
    """
)
AFTER_HYPHENED = any_of("号 型 系列 导弹 战机 客机 火箭 坦克 手枪 步枪 直升机 轰炸机 战斗机")
ARMS = any_of("式坦克 式步枪 式机枪 式自行 式装甲 式主战 式手枪 式轻机枪 式冲锋枪")  # 95式步枪
MADE = any_of("波音 空客 空中客车 标致 宝马 奔驰 马自达 保时捷 法拉利 桑塔纳 捷豹")

# Rooms and buses
ROOM = any_of(
    """
    室 房(?!价) 教室 包间 包厢 病房 办公室 会议室 宿舍 寝室 号房 号病房 房间 号室 展厅 诊室 机房
    自习室
    """
)
CLASS_ROOM = "班(?![级人次机车列])"  # 302班
BUILDINGS = "栋 幢 座 室 楼 层 房间 单元 会议室 教室 宿舍 包厢 包间 展位 "
BUILDING = any_of(BUILDINGS)
PARTED = any_of(BUILDINGS + "号 图 表 例 库位 柜台 章节 习题")  # 图1-2, 3栋2-101

# Numbers that are names: with what follows, unless it counts
NAMES = {
    "985|211": "高校|大学|院校|名校|工程|毕业|、|和|/|与",
    "863|973": "计划",
    "404": "页面|错误|了|$|，|。",
    "50[0-4]": "错误|网关",
    "502": "胶",
    "30[12]": "医院|重定向",
    "798": "艺术|园区|$|，|。",
    "731|8341": "部队",
    "360": "浏览器|安全|杀毒|公司|软件|搜索|手机|导航",
    "163|126|139|189": "邮箱|信箱|网易",
    "1024": "程序员|节",
}
CHAT = any_of(  # figures that stand for words
    rf"""
    23{{2,}} ([5-9])\1{{2,}} 520 521 1314 5201314 1314520 9494 7456 748 886 996 8023 3344
    123(?:4(?:56?)?)?(?=[{HAN}])
    """
)
DATA = ("KB", "MB", "GB", "TB", "PB", "FPS", "KHZ", "B")
NO_CODE = re.compile(  # a letter to a letter, an amount, an ordinal, a product, a range
    r"[A-GI-Za-z]2[A-Za-z]|[\d.]+[eE]-?\d+|[\d.]+[wW]|\d+(?:st|nd|rd|th)|\d+[xX]\d+[a-z]*"
    r"|\d+[A-Za-z]+-\d+[A-Za-z]+|([A-Z])\d{1,3}-\1\d{1,3}|[pP]\d+-\d+"
)


def mixed_code(match: re.Match[str]) -> str | None:
    """Latin letters with figures: GPT-4o, COVID-19, CA1234, A8C656."""
    text = match[0]
    if NO_CODE.fullmatch(text):
        return None
    pieces = re.findall(r"\d+(?:\.\d+)*|[A-Za-z]+|.", text)
    around = zip(pieces, ["", *pieces], [*pieces[1:], ""])
    size = sum(piece.isalnum() for piece in pieces)
    return "".join(piece_words(piece, left, right, size) for piece, left, right in around)


def piece_words(piece: str, left: str, right: str, pieces: int) -> str:
    """One piece of a code; a hyphen is said between two figures only."""
    if piece[0].isdecimal():
        return figures_words(piece, left, right, pieces)
    if piece == "-":
        between = left[-1:].isdecimal() + right[:1].isdecimal()
        return ("-", "", "杠")[between]
    return {"_": "下划线", ".": "点", "/": " ", "+": "加", "·": ""}.get(piece, piece)


def figures_words(text: str, left: str = "", right: str = "", pieces: int = 1) -> str:
    """The figures of a code between its letters: a number where they are few or round."""
    if "." in text:
        return version(text)
    size, is_round = len(text), text.endswith("00")
    if text[0] == "0" or right in ("p", "P", "i"):  # 1080p
        return telephone_digits(text)
    if right.upper() in DATA or left.upper() == "TOP":
        return number(text)
    few = size < 3 and (size == 1 or pieces <= 3)  # not A8C656
    plain = size == 3 and (is_round or not left) or size == 4 and is_round and not left
    return ordinal(text) if few or plain else telephone_digits(text)


def version(text: str) -> str:
    """3.5 -> 三点五, 1.10.2 -> 一点十点二, 192.168.1.1 figure by figure."""
    parts = text.split(".")
    if len(parts) == 2:
        return number(text)
    if len(parts) == 4:
        return "点".join(telephone_digits(part) for part in parts)
    return "点".join(number(part) if len(part) <= 2 else telephone_digits(part) for part in parts)


def named_code(match: re.Match[str]) -> str:
    """尾号1702, 编号3-15: each figure, and 杠 for a hyphen."""
    return "杠".join(part_words(part) for part in re.split("[-–]", match["span"]))


def part_words(text: str) -> str:
    """302 -> 三零二, 12 -> 十二; letters stay."""
    short = text.isdecimal() and len(text) < 3 and text[0] != "0"
    return ordinal(text) if short else telephone_digits(text)


def room(match: re.Match[str]) -> str | None:
    """The number of 302室, unless rooms are counted."""
    return None if before(match, "[共有近约超达了需建增每供]") else telephone_digits(match[0])


def building(match: re.Match[str]) -> str | None:
    """3-502: a house and a room, since no range has such ends."""
    house, room = match[0].split("-")
    if room.endswith("0") or COUNTED.match(match.string, match.end()) or int(house) > 40:
        return None
    return f"{part_words(house)}杠{part_words(room)}"


def in_figures(match: re.Match[str]) -> str:
    return telephone_digits(match["span"] if "span" in match.re.groupindex else match[0])


def dotted(match: re.Match[str]) -> str:
    """H.264 -> H点二六四, BA.5 -> BA点五."""
    name, *parts = match[0].split(".")
    return "点".join([name, *map(part_words, parts)])


def after_name(match: re.Match[str]) -> str:
    """The number of ISO 14001 and 波音747."""
    return figures_words(match["span"], left="x")


def hyphened(match: re.Match[str]) -> str:
    """歼-15, 嫦娥-6号."""
    return (match["name"] or "") + figures_words(match["number"], left="x")


def chat(match: re.Match[str]) -> str | None:
    return None if after(match, rf"{COUNTER}|[+]?[名号页字余多公]") else chinese_digits(match[0])


def fool(match: re.Match[str]) -> str | None:
    """250 of a person."""
    return "二百五" if before(match, "[是你]个|大|真") and not after(match, COUNTER) else None


def numbered_range(match: re.Match[str]) -> str:
    """Q1-Q3 -> Q一到Q三, p12-15 -> p十二到十五."""
    first, last = number(match["first"]), number(match["last"])
    return f"{match['name']}{first}到{match['again']}{last}"


def lettered_range(match: re.Match[str]) -> str:
    """8K-15K -> 八K到十五K."""
    unit = match["unit"]
    return f"{number(match['first'])}{unit}到{number(match['last'])}{unit}"


BEGIN, END = r"(?<![A-Za-z\d])", r"(?![A-Za-z\d])"
NO_DIGIT, NOT_COUNTED = r"(?<![\d.])", r"(?!\d|\.\d|[%元块个人万亿年月天次米分岁])"

CODE_READERS = (
    reader(
        "code",
        rf"{NAMED}{IS}(?P<span>[A-Za-z]{{0,3}}\d{{1,4}}(?:[-–]\d{{1,6}})+)(?!\d)",
        named_code,
    ),
    reader(
        "code",
        rf"{NAMED}{IS}(?P<span>\d{{3,32}}[Xx]?)(?![\d%元块个万亿人位名]|\.\d|年(?!级))",
        in_figures,
    ),
    reader("code", r"(?<!\d)(?:\d{17}[\dXx]|\d{15,40})(?![\d.])", in_figures),
    reader("code", rf"{NO_DIGIT}\d{{4,9}}(?<!00)(?=号(?!线))", in_figures),
    reader(
        "code",
        rf"{BEGIN}(?:[A-Za-z]+(?:[-_][A-Za-z]+){{0,5}}[-_]?\d|\d+(?:\.\d+)?[-_]?[A-Za-z])"
        rf"[A-Za-z\d]*"
        rf"(?:(?:[-_.·+]|/(?=[A-Za-z]))[A-Za-z\d]+){{0,9}}{END}",
        mixed_code,
    ),
    reader(
        "code",
        r"(?<!\d)\d{5,6}\.[A-Z]{2}(?![A-Za-z])",
        lambda m: telephone_digits(m[0]).replace(".", "点"),
    ),
    reader("code", rf"{BEGIN}0[xX][\dA-Fa-f]+{END}", in_figures),
    reader(
        "code",
        rf"{BEGIN}(?!NO|EP|VOL|LV|CH|VER|[A-Z]\.\d\d?{END})[A-Z]{{1,4}}(?:\.\d+){{1,3}}{END}",
        dotted,
    ),
    reader("code", rf"(?<=[A-Za-z]) (?P<span>\d{{3,}}){NOT_COUNTED}", after_name),
    reader("code", r"(?<=[A-Za-z]) (?P<span>\d{3,}(?:-\d+)+)(?!\d)", named_code),
    reader("code", rf"(?<=[A-Za-z])-(?P<span>\d+(?:\.\d+)*){END}", after_name),
    reader("code", r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d|\.\d)", lambda match: version(match[0])),
    reader("code", rf"(?P<name>{HYPHENED})-(?P<number>\d{{1,4}}(?:\.\d+)*)(?!\d)", hyphened),
    reader("code", rf"(?P<name>(?<=[{HAN}]))-(?P<number>\d{{1,4}})(?={AFTER_HYPHENED})", hyphened),
    reader("code", rf"{MADE} ?(?P<span>\d{{3,4}})(?!\d|[万元块辆])", after_name),
    reader("code", rf"{MADE} ?(?P<span>\d{{3}}-\d{{3,4}})(?!\d)", named_code),
    reader("code", rf"{NO_DIGIT}\d\d(?=[A-Z]?{ARMS})", in_figures),
    reader("code", rf"{NO_DIGIT}[1-9]\d[1-9](?=客机|飞机|航班)", in_figures),
    reader(
        "code",
        rf"{PLATE}[A-Z][·• -]?[A-Z\d]{{4,6}}[学警挂]?{END}",
        lambda match: telephone_digits(re.sub("[·• -]", "", match[0])),
    ),
    reader(
        "range",
        r"(?<![A-Za-z\d])(?P<first>\d+)(?P<unit>[A-Za-z]+)[-~](?P<last>\d+)(?P=unit)(?![A-Za-z\d])",
        lettered_range,
    ),
    reader(
        "range",
        rf"{BEGIN}(?P<name>[A-Z])(?P<first>\d{{1,4}})[-~](?P<again>(?P=name))"
        rf"(?P<last>\d{{1,4}}){END}",
        numbered_range,
    ),
    reader(
        "range",
        rf"{BEGIN}(?P<name>[pP])(?P<first>\d{{1,4}})[-~](?P<again>)(?P<last>\d{{1,4}}){END}",
        numbered_range,
    ),
)
ROOM_READERS = (
    reader("code", rf"{NO_DIGIT}(?<!-)[A-Za-z]?\d{{3,4}}(?= ?{ROOM})", room),
    reader("code", rf"{NO_DIGIT}[1-9][012][1-9](?={CLASS_ROOM})", room),
    reader("code", rf"{NO_DIGIT}(?<!-)(?P<span>\d{{1,4}}[-–]\d{{1,4}})(?= ?{ROOM})", named_code),
    reader(
        "code",
        rf"{PARTED}\(?(?P<span>\d{{1,4}}(?:[-–]\d{{1,5}})+)(?![\d月日号点时:：天人个]|\.\d)",
        named_code,
    ),
    reader(
        "code",
        rf"{BUILDING}号?(?P<span>\d{{3,4}})(?![\d月日点时:：天人个元平万]|\.\d)",
        in_figures,
    ),
    reader("code", r"\d号(?P<span>\d{3,4})(?=$|[，。、)；])", in_figures),
    reader("code", rf"{NO_DIGIT}(?P<span>\d{{1,4}}(?:[-–]\d{{1,6}}){{2,}})(?![\d.])", named_code),
    reader("code", rf"{NO_DIGIT}(?<![-+])\d{{1,2}}-\d{{3,4}}(?![\d-]|\.\d|[%元])", building),
    reader("code", rf"{NO_DIGIT}\d\d[1-9](?=中学|小学|医院|大[楼厦]|中(?=[，。、]|$))", in_figures),
    reader("code", rf"{NO_DIGIT}\d{{3}}(?=路(?:公交|车|电车|汽车|$|[，。、和到的]))", in_figures),
    reader("code", rf"{NO_DIGIT}\d{{3}}(?=[国省县]道)", in_figures),
    reader("code", r"[国省县]道(?P<span>\d{3})(?!\d)", in_figures),
    reader("code", rf"{NO_DIGIT}\d{{4}}(?=次列车|次航班|号列车)", in_figures),
)
NAME_READERS = (
    *(
        reader("code", rf"(?<![\d.A-Za-z])(?:{figures})(?={context})", in_figures)
        for figures, context in NAMES.items()
    ),
    reader("code", rf"(?<![\d.A-Za-z-]){CHAT}(?![\d%,:~-]|\.\d)", chat),
    reader("code", r"(?<!\d)250(?!\d)", fool),
    reader(
        "code",
        rf"{NO_DIGIT}[1-9]{{2}}(?=折|新(?:[，。、)]|$))",
        lambda match: chinese_digits(match[0]),
    ),
)

READERS = (*CODE_READERS, *ROOM_READERS, *NAME_READERS)
