"""Chinese dates, years, times of the day and durations."""

import re

from cosyvoice.text.chinese.numbers import COUNTERS, TO, amount, number, whole
from cosyvoice.text.chinese.scores import is_score
from cosyvoice.text.language import HAN
from cosyvoice.text.numbers import chinese_digits, chinese_number
from cosyvoice.text.spans import after, before, reader

MONTH = r"(?:1[0-2]|0?[1-9])"
DAY = r"(?:3[01]|[12]\d|0?[1-9])"
YEAR = r"(?:1[5-9]|20|21)\d\d"
OPEN, CLOSED = r"(?<![\d./-])", r"(?![\d]|[./-]\d)"
DATED = (  # words around a day and a month that are written with a slash
    r"发布|放假|截止|截至|上线|开始|结束|之?前|之?后|起|止|见|到期|更新|开[业学幕盘售]|当[天日]|大促|[早晚]|[上下中]午|周[一-日]|"
    r"星期|出发|到达|返回|考试|生日|入住|活动|直播|预售|抢"
)
HOLIDAYS = (
    "劳动节|假期|小长假|黄金周|国庆|儿童节|青年节|妇女节|建军节|圣诞|事变|事件|运动|晚会|大促|购物节|年中|狂欢|"
    "大?地震|革命|惨案|起义|女[神王]节|植树节|消费者"
)
LASTING = (  # what follows a count of years
    r"(?:多|余|来|间|内|里|左右|以?上|以?来)|的?(?:历史|时间|光阴|岁月|沧桑|传承|发展|经验|工龄|婚姻|友谊|寿命|合同|"
    r"保质|刑|生活|努力|积累|老|生涯|感情|交情|青春|等待|期限|租)|有期|不[变遇见]|未|没|如一|保质?|期|一遇|之[久痒]"
)
COUNTED = (  # what precedes one
    r"[有近约逾超满达过距了共用花需要每整历这等仅隔活已]|持续|存在|统治|延续|最多|少于|为期|判刑|时隔|大约|未来|过去|此后|今后|"
    r"连续|长达|历经|经过|工作|经营|结婚|从业|从教|从医|学习|前后|至少|多达|将近|不足|不到|坚持|等待|陪伴"
)


def year(text: str) -> str:
    return chinese_digits(text)


def date(match: re.Match[str]) -> str | None:
    """From the groups y, m and d; d and the word that ends it may be missing."""
    parts = match.groupdict()
    words = ""
    if parts.get("y"):
        words = year(parts["y"]) + "年"
    words += month_or_day(parts["m"]) + "月"
    if parts.get("d"):
        words += month_or_day(parts["d"]) + (parts.get("end") or "日")
    return words


def month_or_day(text: str) -> str:
    return chinese_number(int(text))


def slashed(match: re.Match[str]) -> str | None:
    """12/31 as a day, unless it may be a fraction."""
    month, day = int(match["m"]), int(match["d"])
    zero = match["m"][0] == "0" or match["d"][0] == "0"
    surely = zero or after(match, rf" ?(?:[日号]|{DATED})") or day == 1 or month == day
    surely = surely or before(match, r"[于在到至自从]|日期[：: ]?|今[天日]|明天|昨天|截[至止]") and day > 12
    if not surely and day not in (13, 14, 17, 18, 19, 21, 22, 23, 26, 27, 28, 29, 31):
        return None
    if after(match, r" ?[寸份杯拍的分]") and not zero:
        return None
    return date(match)


def written_year(match: re.Match[str]) -> str | None:
    """2024年 digit by digit; 1500年历史 and 20年 are counts."""
    text, era = match["y"], match["era"] or ""
    if not era and not is_named_year(match, text):
        return None
    return f"{era}{year(text)}年"


def is_named_year(match: re.Match[str], text: str) -> bool:
    """Whether the figures before 年 are its name, and not a count of years."""
    counted = before(match, COUNTED) or after(match, LASTING)
    if len(text) == 2:
        late = text[0] in "789" and text[1] != "0"
        return text[0] == "0" or (late and not counted and not after(match, "[前后]"))
    if re.fullmatch(r"19\d\d|20[0-4]\d", text) and text != "2000":
        return not after(match, "(?:多|的?历史)")
    if before(match, "[自从在于至到]"):
        return True
    round_number = text.endswith("00" if len(text) == 4 else "0")
    return len(text) == 4 and not counted and not (round_number and after(match, "[前后]")) and text[1:] != "000" or text == "2000" and not counted and not after(match, "[前后]")


def years(match: re.Match[str]) -> str | None:
    """2023-2024 -> 二零二三到二零二四."""
    first, last = match["first"], match["last"]
    if int(first) >= int(last if len(last) == 4 else first[:2] + last):
        return None
    if after(match, rf" ?(?!年|届)(?:{COUNTERS.pattern})"):
        return None
    joint = "到" if match["to"].strip() != "/" else ""
    return year(first) + (match["unit"] or "") + joint + year(last)


def clock(match: re.Match[str]) -> str | None:
    """18:30 -> 十八点三十分, 9:00 p.m. -> 下午九点, 7:00-9:00 -> 七点到九点."""
    if is_score(match) or before(match, rf"(?:{ELAPSED})[^\d，。,]{{0,4}}"):
        return None
    words = hour(match["hour"], match["minute"], match["second"], match["half"] or match["half2"])
    if match["half"] and before(match, "[上下中]午 ?|早上 ?|晚上 ?|凌晨 ?|傍晚 ?"):
        words = hour(match["hour"], match["minute"], match["second"], None)
    if match["hour2"]:
        words += "到" + hour(match["hour2"], match["minute2"], match["second2"], None)
    return words


def hour(hours: str, minutes: str, seconds: str | None, half: str | None) -> str:
    words = amount(str(int(hours))) + "点"
    if half and int(hours) <= 12:
        words = ("上午" if half[0] in "aA" else "下午") + words
    if int(minutes) or seconds:
        words += minute(minutes) + "分"
    return words + (minute(seconds) + "秒" if seconds else "")


def minute(text: str) -> str:
    """05 -> 零五, 00 -> 零."""
    return "零" if int(text) == 0 else ("零" if text[0] == "0" else "") + chinese_number(int(text))


def hour_only(match: re.Match[str]) -> str:
    """9am -> 上午九点."""
    half = "上午" if match["half"][0] in "aA" else "下午"
    said = before(match, "[上下中]午 ?|早上 ?|晚上 ?|凌晨 ?|傍晚 ?")
    first = amount(match["hour"]) + "点"
    last = "到" + amount(match["hour2"]) + "点" if match["hour2"] else ""
    return ("" if said else half) + first + last


def hours_and_minutes(match: re.Match[str]) -> str:
    """12点2分: minutes are numbered; 3点05 keeps its zero."""
    hours = amount(str(int(match["hour"])))
    minutes = match["minute"]
    if match["end"]:
        words = ("零" if len(minutes) > 1 and minutes[0] == "0" else "") + chinese_number(int(minutes))
        return f"{hours}{match['name']}{words}分"
    return f"{hours}{match['name']}{minute(minutes)}"


def elapsed(match: re.Match[str]) -> str | None:
    """用时1:05:30 -> 一小时零五分三十秒."""
    if match["third"]:
        return (
            f"{amount(str(int(match['first'])))}小时{minute(match['second'])}分{seconds_of(match['third'])}秒"
        )
    return f"{amount(str(int(match['first'])))}分{seconds_of(match['second'])}秒"


def seconds_of(text: str) -> str:
    whole_part, _, decimals = text.partition(".")
    return minute(whole_part) + ("点" + chinese_digits(decimals) if decimals else "")


def feet_like(match: re.Match[str]) -> str:
    """5′20″ and 1'30" -> 五分二十秒."""
    return f"{amount(match[1])}分{seconds_of(match[2])}秒"


def short_duration(match: re.Match[str]) -> str | None:
    """2h30min -> 两小时三十分钟."""
    words = ""
    for value, name in ((match["h"], "小时"), (match["m"], "分钟"), (match["s"], "秒")):
        words += amount(value) + name if value else ""
    return words if sum(bool(match[key]) for key in "hms") > 1 else None


HALF = r"(?: ?(?P<half>[aApP]\.?[mM](?:\.(?![A-Za-z\d])|(?![A-Za-z.])|(?=\.))))?"
TIME = r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
SECOND_TIME = TIME.replace(">", "2>").replace("(?P<half2>", "(?P<half3>")
ELAPSED = (
    "用时|耗时|历时|时长|成绩|完赛|跑完|片长|全长|倒计时|计时|总长|跑进|游进|配速|录音|纪录|记录|最好成绩|跑出|"
    "游出|时间为|还剩|剩余|剩下"
)
DAYS = rf"(?P<m>{MONTH})月(?P<d>{DAY})(?P<end>[日号])"

READERS = (
    # dates
    reader("date", rf"(?<!\d)(?:(?P<y>{YEAR})年 ?)?{DAYS}", date),
    reader("date", rf"(?<!\d)(?:(?P<y>\d{{2}})年){DAYS}", date),
    reader("date", rf"(?<!\d)(?P<y>{YEAR})年 ?(?P<m>{MONTH})月", date),
    reader("date", rf"(?<!\d)(?P<y>0\d|[789]\d)年 ?(?P<m>{MONTH})月", date),
    reader("date", rf"(?<!\d)(?P<m>{MONTH})月(?P<d>{DAY})(?=[-–—~至到、和及]\d{{1,2}}[日号])", lambda m: date(m)[:-1]),
    reader("date", r"(?<!\d)0?(?P<m>\d)月(?!\d)", lambda m: month_or_day(m["m"]) + "月"),
    reader("date", r"(?<!\d)0(?P<d>\d)(?=[日号])", lambda m: month_or_day(m["d"])),
    reader("date", rf"{OPEN}(?P<y>{YEAR})(?P<s>[-/.·])(?P<m>{MONTH})(?P=s)(?P<d>{DAY})(?P<end>[日号])?{CLOSED}", date),
    reader("date", rf"{OPEN}(?P<d>{DAY})(?P<s>[-/.])(?P<m>{MONTH})(?P=s)(?P<y>{YEAR}){CLOSED}", date),
    reader("date", rf"{OPEN}(?P<y>[0-3]\d)/(?P<m>{MONTH})/(?P<d>{DAY}){CLOSED}", date),
    reader("date", rf"{OPEN}(?P<y>(?:19|20)\d\d)[-/.](?P<m>0[1-9]|1[0-2]){CLOSED}(?! ?[元%万亿倍米个])", date),
    reader("date", rf"{OPEN}(?P<m>0[1-9]|1[0-2])[-/.](?P<y>(?:19|20)\d\d){CLOSED}", date),
    reader("date", rf"{OPEN}(?P<m>0[1-9]|1[0-2])[-.](?P<d>0[1-9]|[12]\d|3[01]){CLOSED}(?! ?[元%万亿倍米个分])", lambda m: date(m) if m["m"][0] == "0" else None),
    reader("date", rf"{OPEN}(?P<m>{MONTH})/(?P<d>{DAY})(?P<end>[日号])?{CLOSED}", slashed),
    reader("date", rf"(?<![\d.])(?P<a>\d{{1,2}})[.·](?P<b>\d{{1,2}})(?=[\"”']?(?:{HOLIDAYS}))", lambda m: chinese_digits(m["a"] + m["b"])),
    reader("date", rf"(?<![\d.A-Za-z])(?P<a>618|315|918|411|512|815|1024|1111|1212)(?=[\"”']?(?:{HOLIDAYS}))", lambda m: chinese_digits(m["a"])),
    # years
    reader(
        "year",
        r"(?<![\d.])(?P<era>公元前?|西元前?|纪元前?|前)?(?P<y>\d{2,4})年(?!级|级)",
        written_year,
    ),
    reader("year", r"(?<!\d)(?P<y>\d{1,4}) ?(?:AD|ad|A\.D\.|a\.d\.|CE)(?![A-Za-z])", lambda m: f"公元{year(m['y'])}年"),
    reader("year", r"(?<!\d)(?P<y>\d{1,4}) ?(?:BC|bc|B\.C\.|b\.c\.|BCE)(?![A-Za-z])", lambda m: f"公元前{year(m['y'])}年"),
    reader("year", r"(?<![\d.])(?P<y>\d{4})(?=届|级(?!别)|款|版|学年|学期|赛季|财年|年度|春|秋|夏|冬|新[款年]|年(?:版|款))", lambda m: year(m["y"])),
    reader("year", r"(?<![\d.])(?P<y>[0-9]\d)(?=级(?:新生|学生|本科|硕士|校友|同学|研究生|专业|的?学[长弟姐妹])|届(?:毕业|学生|生)|[后後](?![的]?[个天年月])|款(?:车|宝马|奔驰))", lambda m: year(m["y"])),
    reader("year", r"(?<![\d.])(?P<y>(?:1[0-9]|20)\d0)(?:年代|s(?![A-Za-z]))", lambda m: year(m["y"]) + "年代"),
    reader("year", rf"(?<![\d./-])(?P<first>{YEAR})(?P<unit>年)?(?P<to>{TO})(?P<last>{YEAR})(?![\d/%]|\.\d)", years),
    reader("year", rf"(?<![\d./-])(?P<first>{YEAR})(?P<unit>)(?P<to>{TO}| ?/ ?)(?P<last>{YEAR}|\d\d)(?=年?(?:学年|赛季|财年|季))", years),
    # times
    reader("time", rf"(?<![\d.])(?<!\d:){TIME}(?![\d:])(?!\.\d){HALF}(?:{TO}{SECOND_TIME}(?![\d:])(?: ?(?P<half2>[aApP]\.?[mM]\.?)(?![A-Za-z]))?)?", clock),
    reader("time", r"(?<![\d.])(?<!\d:)(?P<hour>1[0-2]|[1-9])(?:[-~](?P<hour2>1[0-2]|[1-9]))? ?(?P<half>[aApP]\.?[mM])(?![A-Za-z])\.?", hour_only),
    reader("time", r"(?<!\d)(?P<hour>[01]?\d|2[0-4])(?P<name>[点时])(?P<minute>[0-5]?\d)(?P<end>分(?!钟))?(?![\d.])", hours_and_minutes),
    reader("time", r"(?<!\d)(?P<hour>0\d)(?=[点时])", lambda m: amount(m["hour"][1])),
    reader("time", r"(?<=[点时])(?P<minute>0?[1-9])(?=分)", lambda m: minute(m["minute"])),
    reader("time", r"(?<=分)(?P<second>0?\d)(?=秒)", lambda m: minute(m["second"])),
    # durations
    reader("duration", rf"(?:{ELAPSED})[^\d，。,]{{0,4}}(?P<span>(?P<first>\d{{1,3}}):(?P<second>[0-5]\d(?:\.\d+)?)(?::(?P<third>[0-5]\d(?:\.\d+)?))?)(?![\d:])", elapsed),
    reader("duration", r"(?<![\d.])(\d{1,3})['′]([0-5]?\d(?:\.\d+)?)(?:\"|″|′′|'')", feet_like),
    reader("duration", r"(?<![\d.A-Za-z])(?:(?P<h>\d{1,3}) ?(?:h|hr|hrs) ?)?(?:(?P<m>\d{1,3}) ?(?:m|min|mins) ?)?(?:(?P<s>\d{1,3}) ?(?:s|sec))?(?![A-Za-z\d])", short_duration),
    reader("duration", r"(?<![\d/.])(?:24[/×*]7|7[×*xX]24)(?![\d/.])(?:小时)?", "七乘二十四小时"),
    # what joins two days or times
    reader("range", r"(?<=[\d年月日号点时分半周一二三四五六末天]) ?[-–—~]{1,2} ?(?=(?:早上|上午|中午|下午|傍晚|晚上|凌晨|次日|第二天|当[日天晚]|今|明天|至今|周[一二三四五六日]|星期|\d{1,4}[年月日号点时]|\d{1,2}:\d\d))", "到"),
)
del HAN, number, whole
