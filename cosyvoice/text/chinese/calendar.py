"""Chinese dates, years, times of the day and durations."""

import re

from cosyvoice.text.chinese.numbers import COUNTER, TO, amount, any_of
from cosyvoice.text.chinese.scores import is_score
from cosyvoice.text.numbers import chinese_digits, chinese_number
from cosyvoice.text.spans import after, before, reader

# Dates

YEAR = r"(?:1[5-9]|20|21)\d\d"
THIS_CENTURY = r"(?:19|20)\d\d"
MONTH = r"(?:1[0-2]|0?[1-9])"
TWO_FIGURE_MONTH = r"(?:0[1-9]|1[0-2])"
DAY = r"(?:3[01]|[12]\d|0?[1-9])"
TWO_FIGURE_DAY = r"(?:0[1-9]|[12]\d|3[01])"
ALONE, APART = r"(?<![\d./-])", r"(?!\d|[./-]\d)"
NO_AMOUNT = r"(?! ?[元%万亿倍米个分])"
EIGHT_FIGURES = rf"(?P<y>{THIS_CENTURY})(?P<m>{TWO_FIGURE_MONTH})(?P<d>{TWO_FIGURE_DAY})(?!\d|\.\d)"
DATED = any_of(  # what follows a day and a month that are written with a slash
    """
    发布 放假 截止 截至 上线 开始 结束 之?前 之?后 起 止 见 到期 更新 开[业学幕盘售] 当[天日] 大促
    早 晚 [上下中]午 周[一二三四五六日] 星期 出发 到达 返回 考试 生日 入住 活动 直播 预售 抢
    """
)
DATED_BEFORE = r"(?:(?:周|星期|礼拜)[一二三四五六日天]|日期) ?[(,，：:]? ?"
EVENT = any_of(  # what is named by its day: 3.15晚会
    """
    劳动节 假期 小长假 黄金周 国庆 儿童节 青年节 妇女节 建军节 圣诞 事变 事件 运动 晚会 大促 购物节
    年中 狂欢 大?地震 革命 惨案 起义 女[神王]节 植树节 消费者 护士节 教师节
    """
)
FRACTIONS = (15, 16, 20, 24, 25, 30)  # denominators that a day of the month may be


def year(text: str) -> str:
    return chinese_digits(text)


def date(match: re.Match[str]) -> str:
    """From the groups y, m and d; day ends in the word that was written, else 日."""
    parts = match.groupdict()
    words = year(parts["y"]) + "年" if parts.get("y") else ""
    words += chinese_number(int(parts["m"])) + "月"
    if parts.get("d"):
        words += chinese_number(int(parts["d"])) + (parts.get("end") or "日")
    return words


def first_day(match: re.Match[str]) -> str:
    """3月5 of 3月5-8日."""
    return date(match)[:-1]


def slashed(match: re.Match[str]) -> str | None:
    """12/31 as a day, unless it may be a fraction."""
    month, day = int(match["m"]), int(match["d"])
    zero = "0" in (match["m"][0], match["d"][0])
    if after(match, " ?[寸份杯拍的分]") and not zero:
        return None
    dated = match["end"] or after(match, rf" ?{DATED}") or before(match, DATED_BEFORE)
    late = day > 12 and (day not in FRACTIONS or before(match, "[于在到至自从]|[今明昨]天"))
    return date(match) if zero or dated or late or day in (1, month) else None


def event(match: re.Match[str]) -> str:
    """9.18 -> 九一八, 10.1 -> 十一."""
    month = "十" if match["m"] == "10" else chinese_digits(match["m"])
    return month + chinese_digits(match["d"])


# Years

LASTING = (  # after a count of years
    r"(?:多|余|来|间|内|里|左右|以?上|以?来)|有期|不[变遇见]|未|没|如一|保质?|期|一遇|之[久痒]"
    r"|的?(?:历史|时间|光阴|岁月|沧桑|传承|发展|经验|工龄|婚姻|友谊|寿命|合同|刑|生活|努力|积累|老|生涯|感情|交情"
    r"|青春|等待|期限|租)"
)
COUNTED = (  # before one
    r"[有近约逾超满达过距了共用花需要每整历这等仅隔活已]|持续|存在|统治|延续|最多|少于|为期"
    r"|判刑|时隔|大约|未来|过去|此后|今后|"
    r"连续|长达|历经|经过|工作|经营|结婚|从业|从教|从医|学习|前后|至少|多达|将近|不足|不到"
    r"|坚持|等待|陪伴"
)
LIFETIME_YEAR = r"(?:公元)?前?(?!\d00)\d{3,4}年?"
SCHOOL_YEAR = any_of("届 级(?!别) 款 版 学年 学期 赛季 财年 年度 春 秋 夏 冬 新[款年]")
GENERATION = r"(?=后(?!的?[个天年月日续]))"
CLASS_OF = r"(?=级(?:新生|学生|本科|硕士|校友|同学|研究生|专业|的?学[长弟姐妹])|届(?:毕业|学生|生))"


def named_year(match: re.Match[str]) -> str | None:
    """2024年 digit by digit; 1500年历史 and 20年 are counts."""
    if not match["era"] and not is_named_year(match, match["y"]):
        return None
    return f"{match['era'] or ''}{year(match['y'])}年"


def is_named_year(match: re.Match[str], text: str) -> bool:
    """Whether the figures before 年 are its name, and not a count of years."""
    if re.fullmatch(r"19\d\d|20[0-4]\d", text) and text != "2000":
        return not after(match, "多|的?历史")
    counted = before(match, COUNTED) or after(match, LASTING)
    if len(text) == 2:
        late = text[0] in "789" and text[1] != "0"  # 98年 is 1998
        return text[0] == "0" or (late and not counted and not after(match, "[前后]"))
    if before(match, "[自从在于至到]"):
        return True
    if len(text) == 3 or counted or (text.endswith("00") and after(match, "[前后]")):
        return False
    return text == "2000" or not text.endswith("000")


def years(match: re.Match[str]) -> str | None:
    """2023-2024 -> 二零二三到二零二四; 2023/24赛季 without 到."""
    first, last = match["first"], match["last"]
    if int(first) >= int(first[: len(first) - len(last)] + last):
        return None
    if after(match, rf" ?(?!年|届){COUNTER}"):
        return None
    joint = {"/": "", "至": "至"}.get(match["to"].strip(), "到")
    return f"{year(first)}{match['unit'] or ''}{joint}{year(last)}"


def lifetime(match: re.Match[str]) -> str:
    """李白(701-762): years in brackets behind a name."""
    words = re.sub(r"\d+", lambda figures: year(figures[0]), match[0])
    return re.sub(r" ?[-–—~]+ ?", "到", words)


# Times of the day

CLOCK = r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
HALF = r"(?P<half>[aApP]\.?[mM](?![A-Za-z])(?:\.(?!\w))?)"
FIRST_CLOCK = rf"{CLOCK}(?![\d:]|\.\d)(?: ?{HALF})?"
LAST_CLOCK = re.sub(r"\(\?P<(\w+)>", r"(?P<\g<1>2>", FIRST_CLOCK)
NO_NUMBER = r"(?<![\d.])(?<!\d:)"
PART_OF_DAY = "(?:[上下中]午|早上?|晚上?|凌晨|傍晚) ?"
ELAPSED = any_of(  # what is measured in hours, minutes and seconds
    """
    用时 耗时 历时 时长 成绩 完赛 跑完 片长 全长 倒计时 计时 总长 跑进 游进 配速 录音 纪录 记录
    跑出 游出 时间为 还剩 剩余 剩下
    """
)
BEFORE_ELAPSED = rf"{ELAPSED}[^\d，。,]{{0,4}}"


def clock(match: re.Match[str]) -> str | None:
    """18:30 -> 十八点三十分, 9:00 p.m. -> 下午九点, 7:00-9:00 -> 七点到九点."""
    if is_score(match) or before(match, BEFORE_ELAPSED):
        return None
    words = time_of_day(match, "")
    return words + "到" + time_of_day(match, "2") if match["hour2"] else words


def time_of_day(match: re.Match[str], which: str) -> str:
    hour, minute = match["hour" + which], match["minute" + which]
    second = match["second" + which]
    words = part_of_day(match, match["half" + which], hour) + hours(hour)
    if int(minute) or second:
        words += figures_of(minute) + "分"
    return words + (figures_of(second) + "秒" if second else "")


def hours(text: str) -> str:
    return amount(str(int(text))) + "点"


def part_of_day(match: re.Match[str], half: str | None, hour: str) -> str:
    """上午 or 下午 for a.m. and p.m., unless the hour or the text before says it."""
    if not half or int(hour) > 12 or before(match, PART_OF_DAY):
        return ""
    return "上午" if half[0] in "aA" else "下午"


def figures_of(text: str) -> str:
    """Minutes or seconds: 05 -> 零五, 00 -> 零, 30.5 -> 三十点五."""
    whole, _, decimals = text.partition(".")
    zero = "零" if len(whole) > 1 and whole[0] == "0" and int(whole) else ""
    return zero + chinese_number(int(whole)) + ("点" + chinese_digits(decimals) if decimals else "")


def hour_with_half(match: re.Match[str]) -> str:
    """9am -> 上午九点."""
    last = "到" + hours(match["hour2"]) if match["hour2"] else ""
    return part_of_day(match, match["half"], match["hour"]) + hours(match["hour"]) + last


def hour_and_minute(match: re.Match[str]) -> str:
    """12点2分, 3点05."""
    words = amount(str(int(match["hour"]))) + match["name"]
    return words + figures_of(match["minute"]) + (match["end"] or "")


# Durations


def elapsed(match: re.Match[str]) -> str:
    """用时1:05:30 -> 一小时零五分三十秒."""
    first, second, third = match["first"], match["second"], match["third"]
    if third:
        hours_words = f"{count(first)}小时" if int(first) else ""
        return f"{hours_words}{figures_of(second)}分{figures_of(third)}秒"
    return f"{count(first)}分{figures_of(second)}秒"


def count(text: str) -> str:
    return amount(str(int(text)))


def with_primes(match: re.Match[str]) -> str:
    """5′20″ and 1'30" -> 五分二十秒."""
    return f"{count(match[1])}分{figures_of(match[2])}秒"


def units_of_time(match: re.Match[str]) -> str | None:
    """2h30min -> 两小时三十分钟; one unit alone is a measure."""
    parts = [(match["h"], "小时"), (match["m"], "分钟"), (match["s"], "秒")]
    words = [amount(value) + name for value, name in parts if value]
    return "".join(words) if len(words) > 1 else None


DATE_READERS = (
    reader(
        "date",
        rf"(?<!\d)(?:(?P<y>{YEAR}|\d\d)年 ?)?(?P<m>{MONTH})月 ?(?P<d>{DAY})(?P<end>[日号])",
        date,
    ),
    reader("date", rf"(?<!\d)(?P<y>{YEAR}|0\d|[789]\d)年 ?(?P<m>{MONTH})月", date),
    reader(
        "date",
        rf"(?<!\d)(?P<m>{MONTH})月(?P<d>{DAY})(?=(?:[-–—~至到、和及]\d{{1,2}})+[日号])",
        first_day,
    ),
    reader("date", r"(?<!\d)0?(?P<m>\d)月(?!\d)", date),
    reader("date", r"(?<!\d)0(\d)(?=[日号])", lambda match: chinese_number(int(match[1]))),
    reader(
        "date",
        rf"{ALONE}(?P<y>{YEAR})(?P<s>[-·])(?P<m>{MONTH})(?P=s)(?P<d>{DAY})(?P<end>[日号])?{APART}",
        date,
    ),
    reader(
        "date",
        rf"(?<![\d./])(?P<y>{YEAR})(?P<s>[/.])(?P<m>{MONTH})(?P=s)(?P<d>{DAY})"
        rf"(?P<end>[日号])?(?!\d|[./]\d)",
        date,
    ),
    reader("date", rf"(?:日期|生日|出生|日)[：: 为是于]{{0,2}}(?P<span>{EIGHT_FIGURES})", date),
    reader("code", rf"(?<!\d){EIGHT_FIGURES}(?! ?{COUNTER})", lambda match: year(match[0])),
    reader(
        "date", rf"{ALONE}(?P<d>{DAY})(?P<s>[-/.])(?P<m>{MONTH})(?P=s)(?P<y>{YEAR}){APART}", date
    ),
    reader("date", rf"{ALONE}(?P<y>[0-3]\d)/(?P<m>{MONTH})/(?P<d>{DAY}){APART}", date),
    reader(
        "date",
        rf"{ALONE}(?P<y>{THIS_CENTURY})[-/.](?P<m>{TWO_FIGURE_MONTH}){APART}{NO_AMOUNT}",
        date,
    ),
    reader("date", rf"{ALONE}(?P<m>{TWO_FIGURE_MONTH})[-/.](?P<y>{THIS_CENTURY}){APART}", date),
    reader("date", rf"{ALONE}(?P<m>0[1-9])[-.](?P<d>{TWO_FIGURE_DAY}){APART}{NO_AMOUNT}", date),
    reader(
        "date", rf"(?<![\d./])(?P<m>{MONTH})/(?P<d>{DAY})(?P<end>[日号])?(?!\d|[./]\d)", slashed
    ),
    reader("date", rf"(?<![\d.])(?P<m>\d\d?)[.·](?P<d>\d\d?)(?=[\"”']?{EVENT})", event),
    reader("date", rf"(?<![\d.·])(?P<m>{MONTH})·(?P<d>{DAY})(?![\d·])", event),
    reader(
        "date",
        rf"(?<![\d.A-Za-z])(?:618|315|918|411|512|815|1024|1111|1212)(?=[\"”']?{EVENT})",
        lambda match: chinese_digits(match[0]),
    ),
    reader("date", r"(?<=双)(?:11|12)(?!\d)", lambda match: chinese_number(int(match[0]))),
)
YEAR_READERS = (
    reader(
        "year", r"(?<![\d.])(?P<era>公元前?|西元前?|纪元前?)?(?P<y>\d{2,4})年(?!级)", named_year
    ),
    reader(
        "year",
        r"(?<!\d)(\d{1,4}) ?(?:AD|ad|A\.D\.|a\.d\.|CE)(?![A-Za-z])",
        lambda match: f"公元{year(match[1])}年",
    ),
    reader(
        "year",
        r"(?<!\d)(\d{1,4}) ?(?:BC|bc|B\.C\.|b\.c\.|BCE)(?![A-Za-z])",
        lambda match: f"公元前{year(match[1])}年",
    ),
    reader("year", rf"(?<![\d.])\d{{4}}(?={SCHOOL_YEAR})", lambda match: year(match[0])),
    reader("year", rf"(?<=[〔(\[【]){YEAR}(?=[〕)\]】])", lambda match: year(match[0])),
    reader("year", rf"(?<![\d.])\d\d{CLASS_OF}", lambda match: year(match[0])),
    reader(
        "year",
        rf"(?<![\d.])(?:00|[1-9]0|[6-9]5)(?:[/、](?:00|[1-9]0|[6-9]5)){{0,3}}{GENERATION}",
        lambda match: year(match[0].replace("/", "")),
    ),
    reader(
        "year",
        r"(?<![\d.])((?:1\d|20)\d0)(?:年代|s(?![A-Za-z]))",
        lambda match: year(match[1]) + "年代",
    ),
    reader(
        "year",
        rf"(?<![\d./-])(?P<first>{YEAR})(?P<unit>年)?(?P<to>{TO})(?P<last>{YEAR})(?![\d/%]|\.\d)",
        years,
    ),
    reader(
        "year",
        rf"(?<![\d./-])(?P<first>{YEAR}|\d\d)(?P<unit>)(?P<to>{TO}|/)(?P<last>{YEAR}|\d\d)"
        r"(?=年?(?:学年|赛季|财年|季))",
        years,
    ),
    reader("year", rf"(?<=\(){LIFETIME_YEAR}{TO}{LIFETIME_YEAR}(?=[年),，])", lifetime),
    reader(
        "year", rf"(?<!\d){LIFETIME_YEAR}{TO}{LIFETIME_YEAR}(?<=年)(?![以之]?[前后内])", lifetime
    ),
)
TIME_READERS = (
    reader("time", rf"{NO_NUMBER}{FIRST_CLOCK}(?:{TO}{LAST_CLOCK})?", clock),
    reader(
        "time",
        rf"{NO_NUMBER}(?P<hour>1[0-2]|[1-9])(?:[-~](?P<hour2>1[0-2]|[1-9]))? ?{HALF}",
        hour_with_half,
    ),
    reader(
        "time",
        r"(?<!\d)(?P<hour>[01]?\d|2[0-4])(?P<name>[点时])(?P<minute>[0-5]?\d)"
        r"(?P<end>分(?!钟))?(?![\d.])",
        hour_and_minute,
    ),
    reader("time", r"(?<!\d)0(\d)(?=[点时])", lambda match: amount(match[1])),
    reader("time", r"(?<=[点时分])0?\d(?=[分秒])", lambda match: figures_of(match[0])),
    reader(
        "duration",
        rf"{BEFORE_ELAPSED}(?P<span>(?P<first>\d{{1,3}}):(?P<second>[0-5]\d(?:\.\d+)?)"
        r"(?::(?P<third>[0-5]\d(?:\.\d+)?))?)(?![\d:])",
        elapsed,
    ),
    reader("duration", r"(?<![\d.])(\d{1,3})['′]([0-5]?\d(?:\.\d+)?)(?:\"|′′|'')", with_primes),
    reader(
        "duration",
        r"(?<![\d.A-Za-z])(?=\d)(?:(?P<h>\d{1,3}) ?(?:h|hrs?) ?)?(?:(?P<m>\d{1,3}) ?(?:m|mins?) ?)?"
        r"(?:(?P<s>\d{1,3}) ?(?:s|sec))?(?![A-Za-z\d])",
        units_of_time,
    ),
    reader(
        "duration",
        r"(?<![\d/.])(?:24[/×*]7|7[×*xX]24)(?![\d/.])(?:小时|[hH](?![A-Za-z]))?",
        "七乘二十四小时",
    ),
)
BETWEEN_TIMES = reader(
    "range",
    r"(?<=[\d年月日号点时分半周一二三四五六末天]) ?[-–—~]{1,2} ?"
    r"(?=早上|上午|中午|下午|傍晚|晚上|凌晨|次日|第二天|当[日天晚]|今|明天"
    r"|周[一二三四五六日1-7]|星期|\d{1,4}[年月日号点时]|\d\d?:\d\d|"
    r"\d{4}[/.]\d\d?[/.]|\d\d?/\d\d(?!\d))",
    "到",
)

READERS = (*DATE_READERS, *YEAR_READERS, *TIME_READERS, BETWEEN_TIMES)
