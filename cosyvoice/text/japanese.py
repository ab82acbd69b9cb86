"""Japanese: the classes of written things and their words, in Japanese characters."""

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
from cosyvoice.text.spans import Reader, after, before, reader

CURRENCIES = table("""
¥,円,JPY 円
$,USD,US$ ドル
€,EUR ユーロ
£,GBP ポンド
₩,KRW ウォン
元,CNY,RMB 元
HK$,HKD 香港ドル
CAD カナダドル
A$,AUD オーストラリアドル
NT$,TWD 台湾ドル
CHF スイスフラン
₹,INR ルピー
₽,RUB ルーブル
₿,BTC ビットコイン
¢ セント
""")
UNITS = table("""
km キロメートル
m メートル
cm センチメートル
mm ミリメートル
μm マイクロメートル
nm ナノメートル
km²,km2 平方キロメートル
m²,m2 平方メートル
cm²,cm2 平方センチメートル
m³,m3 立方メートル
cm³,cm3 立方センチメートル
ha ヘクタール
kg キログラム
g グラム
mg ミリグラム
μg マイクログラム
t トン
L,l,ℓ リットル
mL,ml ミリリットル
dL,dl デシリットル
cc シーシー
h 時間
min 分
s,sec 秒
ms ミリ秒
W ワット
kW キロワット
MW メガワット
kWh キロワットアワー
Wh ワットアワー
V ボルト
A アンペア
mA ミリアンペア
mAh ミリアンペアアワー
Ω オーム
Hz ヘルツ
kHz キロヘルツ
MHz メガヘルツ
GHz ギガヘルツ
dB デシベル
Pa パスカル
hPa ヘクトパスカル
kPa キロパスカル
J ジュール
kJ キロジュール
cal カロリー
kcal キロカロリー
N ニュートン
KB キロバイト
MB メガバイト
GB ギガバイト
TB テラバイト
Mbps メガビーピーエス
Gbps ギガビーピーエス
bps ビーピーエス
rpm アールピーエム
px ピクセル
mmHg ミリメートル水銀柱
mmol ミリモル
mol モル
ppm ピーピーエム
fph フィート毎時
ft フィート
in インチ
lb ポンド
oz オンス
mph マイル毎時
pt ポイント
""")
SIGNS = table("""
+ プラス
- マイナス
± プラスマイナス
* かける
× かける
· かける
/ わる
÷ わる
: 対
= イコール
< 小なり
> 大なり
≤ 小なりイコール
≥ 大なりイコール
≠ ノットイコール
≈ ニアリーイコール
^ の
& アンド
% パーセント
‰ パーミル
€ ユーロ
$ ドル
¥ 円
° 度
√ ルート
π パイ
∞ 無限大
# シャープ
@ アットマーク
~ から
→ から
※ 米印
〒 郵便番号
〆 しめ
""")
HAVE_DATES = r"(?:から|まで|に|より|発|付|頃|ごろ|以降|以前|開催|締切|〆切|現在|\()"


class Japanese(Eastern):
    digits = "零一二三四五六七八九"
    zero = "ゼロ"
    point = "点"
    minus, plus, plus_minus = "マイナス", "プラス", "プラスマイナス"
    to, against, over = "から", "対", "の"
    squared, cubed = "の二乗", "の三乗"
    percent, per_mille = "パーセント", "パーミル"
    currencies, units, signs = CURRENCIES, UNITS, SIGNS
    scales = "十百千万億兆"
    joint = "の"
    at, dot, slash, dash = "アットマーク", "ドット", "スラッシュ", "ハイフン"
    each = "一{unit}あたり{words}"
    underscore, colon = "アンダーバー", "コロン"
    weekdays = "月火水木金土日祝"
    morning, afternoon = "午前", "午後"
    telephone = (
        rf"(?<![{FIGURE}.,+-])(?:0\d{{1,4}}-\d{{1,4}}-\d{{3,4}}|0\d{{1,3}}-\d{{6,8}}"
        rf"|\(0\d{{1,4}}\) ?\d{{1,4}}-\d{{4}}"
        rf"|0\d{{1,4}}\(\d{{1,4}}\)\d{{4}}|0[5789]0\d{{8}}|0120\d{{6}})(?![{FIGURE}-])"
    )

    def cardinal(self, n: int) -> str:
        """15000 -> 一万五千; 10000000 -> 一千万."""
        words = ""
        groups = in_fours(str(n))
        for place, group in zip(range(len(groups) - 1, -1, -1), groups):
            if group:
                words += below_myriad(group, place > 0) + ("", "万", "億", "兆")[place]
        return words or self.digits[0]

    def spell(self, figures: str) -> str:
        return "".join(
            "ゼロ" if each == "0" else self.digits[int(each)] for each in figures if each.isdigit()
        )

    def characters(self, text: str) -> str:
        return "".join(
            self.spell(char) if char.isdecimal() else char for char in text if not char.isspace()
        )

    def per_unit(self, name: str) -> str:
        return "毎時" if name == "時間" else f"毎{name}"

    def say_measure(self, match: re.Match[str]) -> str | None:
        if match["unit"] == "m" and before(match, r"\d:", 4):
            return None
        return super().say_measure(match)

    def say_temperature(self, match: re.Match[str]) -> str | None:
        scale = {"C": "", "F": "華氏"}.get(match["unit"] or "", "")
        return f"{scale}{self.amount(match)}度"

    def date(self, year: str, month: str, day: str, weekday: str) -> str:
        words = f"{self.cardinal(int(year))}年" if year else ""
        words += f"{self.cardinal(int(month))}月"
        words += f"{self.cardinal(int(day))}日" if day else ""
        return words + (weekday_name(weekday) if weekday else "")

    def time(self, hour: int, minute: int, second: int) -> str:
        words = f"{self.cardinal(hour)}時"
        words += f"{self.cardinal(minute)}分" if minute or second else ""
        return words + (f"{self.cardinal(second)}秒" if second else "")

    def fraction(self, top: str, bottom: str) -> str:
        return f"{self.integer(bottom)}分の{self.integer(top)}"

    def mixed(self, whole: str, top: str, bottom: str) -> str:
        return f"{self.integer(whole)}と{self.fraction(top, bottom)}"

    def calendar_readers(self) -> list[Reader]:
        weekday = r"\((?P<first>[月火水木金土日])(?:[~・-](?P<last>[月火水木金土日祝]))?\)"
        short = (
            rf"(?<![{FIGURE}.,/-])(?P<month>{MONTH})(?P<s>[/-])(?P<day>{DAY})(?![{FIGURE}/]|[.-]\d)"
        )
        return [
            *super().calendar_readers(),
            reader("date", rf"{short}(?={HAVE_DATES})", self.say_short_date),
            reader("date", rf"(?<=から){short}", self.say_short_date),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/-])(?P<low>(?:{YEAR}[/.])?{MONTH}/{DAY}){TO}(?P<high>"
                rf"(?:{YEAR}[/.])?{MONTH}/{DAY})(?![{FIGURE}/])",
                self.say_dates,
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/-])(?P<low>{YEAR}[.]{MONTH}[.]{DAY}){TO}"
                rf"(?P<high>{YEAR}[.]{MONTH}[.]{DAY})(?![{FIGURE}/])",
                self.say_dates,
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/-])(?P<year>{YEAR})[/.-](?P<month>0[1-9]|1[0-2])(?P<day>)"
                rf"(?![{FIGURE}/.-])",
                self.say_date,
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/-])(?P<month>0[1-9])[/.-](?P<day>0[1-9]|[12]\d|3[01])"
                rf"(?![{FIGURE}/]|[.-]\d)",
                self.say_date,
            ),
            reader("date", rf"(?<=日) ?{weekday}", self.say_weekday),
            reader(
                "date",
                rf"(?<![{FIGURE}])(?P<era>[RHS])\.?(?P<low>\d{{1,2}})[./](?P<month>{MONTH})[./]"
                rf"(?P<day>{DAY})(?![{FIGURE}])",
                self.say_era_date,
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}])(?P<era>[RHSTM])\.?(?P<low>\d{{1,2}})(?=年|[./]\d|\Z)",
                self.say_era,
            ),
            reader(
                "duration",
                rf"(?<![{FIGURE}.,])(?P<low>\d+)(?P<what>ヶ月|ケ月|か月|カ月|ヵ月|箇月)",
                lambda m: self.cardinal(int(m["low"])) + "か月",
            ),
        ]

    def say_short_date(self, match: re.Match[str]) -> str | None:
        if match["s"] == "-" and not re.search("[月週日曜年]", match.string):
            return None
        return self.date("", match["month"], match["day"], "")

    def say_dates(self, match: re.Match[str]) -> str | None:
        words = []
        for each in (match["low"], match["high"]):
            *year, month, day = re.findall(r"\d+", each)
            words.append(self.date("".join(year), month, day, ""))
        return self.to.join(words)

    def say_weekday(self, match: re.Match[str]) -> str | None:
        first = weekday_name(match["first"])
        if not match["last"]:
            return first
        link = "から" if "~" in match[0] or "-" in match[0] else ""
        return f"{first}{link}{weekday_name(match['last'])}"

    def say_era_date(self, match: re.Match[str]) -> str | None:
        """R6.4.1"""
        era = {"R": "令和", "H": "平成", "S": "昭和"}[match["era"]]
        date = self.date("", match["month"], match["day"], "")
        return f"{era}{self.cardinal(int(match['low']))}年{date}"

    def say_era(self, match: re.Match[str]) -> str | None:
        era = {"R": "令和", "H": "平成", "S": "昭和", "T": "大正", "M": "明治"}[match["era"]]
        return f"{era}{self.cardinal(int(match['low']))}" + ("" if after(match, "年") else "年")

    def number_readers(self) -> list[Reader]:
        return [
            *super().number_readers(),
            reader(
                "score",
                rf"(?<![{FIGURE}.,-])(\d{{1,2}})-(\d{{1,2}})(?=で(?:勝|敗|負|快勝|完勝|惜敗"
                rf"|引き分け|逆転))",
                self.say_score,
            ),
            reader(
                "telephone",
                rf"〒 ?(\d{{3}})-?(\d{{4}})(?![{FIGURE}])",
                lambda m: f"郵便番号{self.spell(m[1])}の{self.spell(m[2])}",
            ),
            reader("score", r"(?<=[^\W\d_A-Za-z])(?<!第)(\d{1,2})-(\d{1,2})", self.say_result),
            reader(
                "code",
                rf"(?<![{FIGURE}.,/-])[1-9]\d{{0,3}}(?:-\d{{1,4}}){{2,3}}(?![{FIGURE}-])",
                self.say_block,
            ),
            reader(
                "code",
                rf"(?<![{FIGURE}.,-])(?P<below>B?)(?P<n>\d{{1,2}})F(?![{FIGURE}])",
                lambda m: f"{'地下' if m['below'] else ''}{self.integer(m['n'])}階",
            ),
            reader("code", r"(?<=番号)\d{3,}(?!\d)", self.say_digits),
            reader("code", rf"(?<![{FIGURE}.,])\d{{4}}(?=号室|便)", self.say_digits),
            reader("code", r"(?<=No\.)\d{4,}|(?<=ID)\d{3,}", self.say_digits),
            reader("abbreviation", r"(?<![A-Za-z])[Nn]o\.(?= ?\d)|№", "ナンバー"),
            reader(
                "fraction",
                rf"{START}(?P<minus>-)?(?P<bottom>\d+)分の(?P<top>\d+)",
                lambda m: (self.minus if m["minus"] else "") + self.fraction(m["top"], m["bottom"]),
            ),
            reader(
                "fraction",
                rf"{START}(?P<whole>\d+)(?P<link>と|荷)√?(?P<top>\d+)/(?P<bottom>\d+)",
                lambda m: (
                    f"{self.integer(m['whole'])}{m['link']}{self.integer(m['bottom'])}分の"
                    f"{'ルート' if '√' in m[0] else ''}{self.integer(m['top'])}"
                ),
            ),
            reader(
                "measure",
                rf"{START}(?P<low>{NUMBER}) ?[x×] ?(?P<high>{UNSIGNED})(?: ?[x×] ?"
                rf"(?P<third>{UNSIGNED}))?(?: ?(?P<unit>cm|mm|m|px))",
                self.say_size,
            ),
        ]

    def say_result(self, match: re.Match[str]) -> str | None:
        """2-1 after the name of a team."""
        if before(match, r"[月年日時第]", 1):
            return None
        if after(match, "で|と|の勝|の逆|の引") or before(match, r"[A-Za-zァ-ヶー]", 1):
            return self.say_score(match)
        return self.say_block(match)

    def say_block(self, match: re.Match[str]) -> str | None:
        """The block and house of an address: 1-2-3."""
        return "の".join(self.integer(part) for part in match[0].split("-"))

    def say_size(self, match: re.Match[str]) -> str | None:
        words = "かける".join(
            self.number(match[each]) for each in ("low", "high", "third") if match[each]
        )
        return f"{words}{self.units[match['unit']]}"


def below_myriad(n: int, in_front: bool) -> str:
    """1118 -> 千百十八; in front of 万 and its like, 1000 alone -> 一千."""
    words = ""
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, n = divmod(n, size)
        if digit:
            is_thousand = in_front and size == 1000
            words += (
                "" if digit == 1 and size > 1 and not is_thousand else Japanese.digits[digit]
            ) + name
    return words


def weekday_name(weekday: str) -> str:
    return "祝日" if weekday == "祝" else f"{weekday}曜日"


JAPANESE = Japanese()
GRAMMAR = JAPANESE.grammar()
