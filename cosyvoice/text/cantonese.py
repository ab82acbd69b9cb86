"""Cantonese: the classes of written things and their words, in traditional characters."""

import re

from cosyvoice.text.eastern import (
    DAY,
    FIGURE,
    MONTH,
    NUMBER,
    START,
    TO,
    UNSIGNED,
    YEAR,
    Eastern,
    in_fours,
    table,
)
from cosyvoice.text.spans import Reader, reader

# 2 is 兩 before what is counted, and 二 in dates, numbers of things and among other figures.
COUNTED = (
    "個|个|隻|只|條|条|張|张|本|杯|碗|位|名|次|年(?!級)|日|星期|點|点|分鐘|分钟|秒|小時|小时"
    "|鐘頭|钟头|公里|公斤|米|厘米|蚊|元|塊|块|倍|萬|万|間|间|架|部"
    "|件|份|支|枝|盒|包|樽|罐|對|对|雙|双|歲|岁|成|度|班|場|场|篇|首|把|棵|頭|头|粒|層|层|晚|種"
    "|种|人|磅|斤|両|兩|呎|里|口|家|組|组|批|排|袋|箱|台|輛|辆|頁|页|步|票|餐|轉|转|款|套|座|節"
    "|节|堂"
)
CURRENCIES = table("""
$ 蚊
HK$,HKD 港元
US$,USD 美元
¥,RMB,CNY,人民幣 人民幣
€,EUR 歐元
£,GBP 英鎊
JPY 日圓
₩,KRW 韓圜
NT$,TWD 新台幣
A$,AUD 澳元
CAD 加元
蚊,文 蚊
元 元
₿,BTC 比特幣
""")
UNITS = table("""
km 公里
m 米
cm 厘米
mm 毫米
μm 微米
nm 納米
km²,km2 平方公里
m²,m2 平方米
cm²,cm2 平方厘米
m³,m3 立方米
cm³,cm3 立方厘米
ha 公頃
kg 公斤
g 克
mg 毫克
μg 微克
t 噸
L,l 公升
mL,ml 毫升
h,hr,hrs 小時
min,mins 分鐘
s,sec 秒
ms 毫秒
W 瓦
kW 千瓦
kWh 千瓦時
V 伏特
A 安培
mA 毫安
mAh 毫安時
Ω 歐姆
Hz 赫茲
kHz 千赫
MHz 兆赫
GHz 吉赫
dB 分貝
Pa 帕
hPa 百帕
kPa 千帕
J 焦耳
kJ 千焦
cal 卡路里
kcal 千卡
N 牛頓
mmHg 毫米水銀柱
mmol 毫摩爾
ft 呎
in 吋
lb,lbs 磅
oz 安士
mph 英里每小時
sq_ft,呎² 平方呎
""")
SIGNS = table("""
+ 加
- 減
± 正負
* 乘
× 乘
· 乘
/ 除以
÷ 除以
: 比
= 等於
< 細過
> 大過
≤ 細過或等於
≥ 大過或等於
≠ 唔等於
≈ 約等於
^ 嘅
& 同
% 百分之
€ 歐元
$ 蚊
° 度
√ 開方
π 派
∞ 無限大
# 號
~ 至
→ 去
""")


class Cantonese(Eastern):
    digits = zero = "零一二三四五六七八九"
    point = "點"
    minus, plus, plus_minus = "負", "加", "正負"
    to, against, over = "至", "比", "，"
    squared, cubed = "嘅二次方", "嘅三次方"
    percent, per_mille = "百分之", "千分之"
    currencies, units, signs = CURRENCIES, UNITS, SIGNS
    scales = "十百千萬億万亿"
    per = "每"
    joint = " "
    at, dot, slash, dash = "at", "點", "斜線", "橫線"
    each = "每{unit}{words}"
    underscore, colon = "底線", "冒號"
    weekdays = "一二三四五六日"
    morning, afternoon = "上晝", "下晝"
    telephone = (
        rf"(?<![{FIGURE}.,+-])(?:[235689]\d{{3}}[ -]\d{{4}}|"
        rf"(?:\+?852[ -]?)[235689]\d{{3}}[ -]?\d{{4}}|\(?0\d{{2,3}}\)?[ -]?\d{{4}}[ -]?\d{{4}}"
        rf"|1[3-9]\d{{9}})(?![{FIGURE}-])"
    )

    def cardinal(self, n: int) -> str:
        """20250 -> 二萬零二百五十."""
        words, gap = "", False
        groups = in_fours(str(n))
        for place, group in zip(range(len(groups) - 1, -1, -1), groups):
            if group:
                zero = "零" if words and (gap or group < 1000) else ""
                two = "兩" if group == 2 and place else ""
                words += zero + (two or below_myriad(group)) + ("", "萬", "億", "兆")[place]
            gap = not group
        words = re.sub("^一十", "十", words)
        return words or "零"

    def spell(self, figures: str) -> str:
        return "".join(self.digits[int(each)] for each in figures if each.isdigit())

    def number(self, written: str, is_counted: bool = False) -> str:
        if is_counted and written == "2":
            return "兩"
        return super().number(written)

    def amount(self, match: re.Match[str]) -> str:
        """2 is 兩 before a unit or a sum."""
        low = self.number(match["low"], not match["high"])
        return f"{low}{self.to}{self.number(match['high'])}" if match["high"] else low

    def say_percent(self, match: re.Match[str]) -> str | None:
        name = self.per_mille if match["sign"] == "‰" else self.percent
        negative = match["low"].startswith("-")
        low = self.number(match["low"].lstrip("-+ "))
        words = f"{name}{low}" + (f"{self.to}{self.number(match['high'])}" if match["high"] else "")
        return f"{self.minus}{words}" if negative else words

    def say_temperature(self, match: re.Match[str]) -> str | None:
        scale = {"C": "攝氏", "F": "華氏"}.get(match["unit"] or "", "")
        negative = match["low"].startswith("-")
        low = self.number(match["low"].lstrip("-+ "), not match["high"])
        words = low + (f"{self.to}{self.number(match['high'])}" if match["high"] else "")
        return f"{scale}{'零下' if negative else ''}{words}度"

    def say_money(self, match: re.Match[str]) -> str | None:
        groups = match.groupdict()
        sign = groups.get("before") or groups.get("after") or ""
        if self.currencies[sign] == "人民幣":
            return f"人民幣{self.amount(match)}{groups.get('scale') or ''}元"
        return super().say_money(match)

    def date(self, year: str, month: str, day: str, weekday: str) -> str:
        words = f"{self.spell(year)}年" if year else ""
        words += f"{self.cardinal(int(month))}月"
        words += f"{self.cardinal(int(day))}日" if day else ""
        return words + (f"星期{weekday}" if weekday else "")

    def time(self, hour: int, minute: int, second: int) -> str:
        words = ("兩" if hour == 2 else self.cardinal(hour)) + "點"
        if minute or second:
            words += ("零" if 0 < minute < 10 else "") + self.cardinal(minute) + "分"
        return words + (f"{self.cardinal(second)}秒" if second else "")

    def fraction(self, top: str, bottom: str) -> str:
        return f"{self.integer(bottom)}分之{self.integer(top)}"

    def mixed(self, whole: str, top: str, bottom: str) -> str:
        return f"{self.integer(whole)}又{self.fraction(top, bottom)}"

    def calendar_readers(self) -> list[Reader]:
        return [
            *super().calendar_readers(),
            reader(
                "year",
                rf"(?<![{FIGURE}.,])(?P<low>{YEAR})(?=年(?!歷史|曆史|历史|前|後|后))",
                lambda m: self.spell(m["low"]),
            ),
            reader(
                "year",
                rf"(?<![{FIGURE}.,])(?P<low>{YEAR}){TO}(?P<high>{YEAR}|\d\d)(?=年)",
                lambda m: f"{self.spell(m['low'])}{self.to}{self.spell(m['high'])}",
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/-])(?P<day>{DAY})/(?P<month>{MONTH})/(?P<year>{YEAR})(?!\d)",
                self.say_date,
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}.,])(?P<low>{MONTH})(?=月)",
                lambda m: self.cardinal(int(m["low"])),
            ),
            reader(
                "date",
                rf"(?<=月)(?P<low>{DAY})(?=[日號号])",
                lambda m: self.cardinal(int(m["low"])),
            ),
            reader("time", r"(?<=[點点])(?P<low>[0-5]?\d)(?=分)", self.say_minute),
        ]

    def say_minute(self, match: re.Match[str]) -> str | None:
        minute = int(match["low"])
        return ("零" if minute < 10 else "") + self.cardinal(minute)

    def number_readers(self) -> list[Reader]:
        return [
            *super().number_readers(),
            reader("measure", rf"(?<![{FIGURE}.,第/:-])(?<!月)2(?= ?(?:{COUNTED}))", "兩"),
            reader(
                "range",
                rf"{START}(?P<low>{NUMBER}){TO}(?P<high>{UNSIGNED})(?![{FIGURE}-])",
                self.say_range,
            ),
            reader(
                "score",
                r"(?<=[^\W\d_A-Za-z])(\d{1,2})-(\d{1,2})(?=贏|輸|擊敗|打和|赢|输)",
                self.say_score,
            ),
            reader("code", rf"(?<![{FIGURE}.,])[1-9]{{2}}(?=折)", self.say_digits),
            reader(
                "address",
                rf"(?<![{FIGURE}.,])(\d{{1,4}})([A-Z])(?=[號号室樓楼座])",
                lambda m: f"{self.cardinal(int(m[1]))}{m[2]}",
            ),
            reader("code", rf"(?<=[打撥拨])\d{{3,5}}(?![{FIGURE}個])", self.say_digits),
            reader(
                "code", rf"(?<![{FIGURE}.,])\d{{3}}(?=號巴士|号巴士|巴士|室|號房)", self.say_digits
            ),
        ]

    def say_range(self, match: re.Match[str]) -> str | None:
        return f"{self.number(match['low'])}{self.to}{self.number(match['high'])}"


def below_myriad(n: int) -> str:
    """1105 -> 一千一百零五."""
    words, gap = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, n = divmod(n, size)
        if digit:
            words += ("零" if gap and words else "") + Cantonese.digits[digit] + name
        gap = not digit
    return words


CANTONESE = Cantonese()
GRAMMAR = CANTONESE.grammar()
