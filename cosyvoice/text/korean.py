"""Korean: the classes of written things and their words, in Hangul."""

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
    any_of,
    in_fours,
    table,
)
from cosyvoice.text.spans import Reader, after, before, reader

# Native numbers, as they stand before what is counted
ONES = " 한 두 세 네 다섯 여섯 일곱 여덟 아홉".split(" ")
TENS = " 열 스물 서른 마흔 쉰 예순 일흔 여든 아흔".split(" ")
# What is counted with native numbers
COUNTERS = (
    "시간 개 명 사람 마리 권 살 잔 병 대 채 그루 송이 벌 켤레 자루 봉지 그릇 접시 조각 곡 편 군데"
    " 가지 달 배 통 건 곳 줄 번 끼 쌍 판 "
    "숟가락 스푼 컵 상자 박스 포기 척 장 팀 바퀴 갈래 차례 방울 덩어리 묶음 다발 모금 걸음 발 필 "
    "칸 과목 종류 식구 아이 학생 친구 자리 해 돌 "
    "큰술 작은술 번째 알 모 톨"
).split()
NOT_COUNTERS = (
    r"(?!개월|개년|개국|대학|번지|번길|번가|번호|번 ?(?:출구|버스|문제|국도|선수|홀|타자|게이트"
    r"|교향곡|트랙|채널|국|홈|승강장|자리|레인|말|방|창구|도로)|명령|장조|장관|배럴|살균|편성"
    r"|판결|해리|건물|통신|장애|대 \d|대\d|해상|돌입|곡률|달러|팀장|척도|자리 ?수)"
)

CURRENCIES = table("""
₩,원,KRW,krw 원
NZD 뉴질랜드 달러
$,USD,US$,불 달러
€,EUR 유로
£,GBP 파운드
¥,JPY 엔
元,CNY,RMB 위안
HK$,HKD 홍콩 달러
CHF 스위스 프랑
₹,INR 루피
₽,RUB 루블
₿,BTC 비트코인
CAD 캐나다 달러
A$,AUD 호주 달러
AED 아랍에미리트 디르함
¢ 센트
""")
UNITS = table("""
km 킬로미터
m 미터
cm 센티미터
mm 밀리미터
μm 마이크로미터
nm 나노미터
km²,km2 제곱킬로미터
m²,m2 제곱미터
cm²,cm2 제곱센티미터
m³,m3 세제곱미터
cm³,cm3 세제곱센티미터
ha 헥타르
kg 킬로그램
g 그램
mg 밀리그램
μg 마이크로그램
t 톤
L,l,ℓ 리터
mL,ml 밀리리터
cc 시시
h 시간
min 분
s,sec 초
ms 밀리초
W 와트
kW 킬로와트
MW 메가와트
kWh 킬로와트시
Wh 와트시
V 볼트
A 암페어
mA 밀리암페어
mAh 밀리암페어시
Ω 옴
Hz 헤르츠
kHz 킬로헤르츠
MHz 메가헤르츠
GHz 기가헤르츠
dB 데시벨
Pa 파스칼
hPa 헥토파스칼
kPa 킬로파스칼
J 줄
kJ 킬로줄
cal 칼로리
kcal 킬로칼로리
N 뉴턴
KB 킬로바이트
MB 메가바이트
GB 기가바이트
TB 테라바이트
Mbps 메가비피에스
Gbps 기가비피에스
rpm 알피엠
px 픽셀
mmHg 밀리미터 수은주
mmol 밀리몰
mol 몰
ppm 피피엠
%p,%P,%포인트 퍼센트포인트
ft 피트
in 인치
lb 파운드
oz 온스
mph 마일 퍼 아워
""")
SIGNS = table("""
+ 더하기
- 빼기
± 플러스마이너스
* 곱하기
× 곱하기
· 곱하기
/ 나누기
÷ 나누기
: 대
= 는
< 작다
> 크다
≤ 작거나 같다
≥ 크거나 같다
≠ 같지 않다
≈ 약
^ 의
& 앤드
% 퍼센트
‰ 퍼밀
€ 유로
$ 달러
₩ 원
° 도
√ 루트
π 파이
∞ 무한대
# 샵
@ 골뱅이
~ 에서
→ 화살표
""")
LETTERS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 "
        " 알 에스 티 유 브이 더블유 엑스 와이 지".split(),
    )
)
TOP_DOMAINS = {"com": "컴", "net": "넷", "app": "앱", "info": "인포"}


class Korean(Eastern):
    digits = "영일이삼사오육칠팔구"
    zero = "공"
    blank = " "
    point = "점"
    minus, plus, plus_minus = "마이너스", "플러스", "플러스마이너스"
    to, against, over = "에서 ", " 대 ", "에 "
    squared, cubed = " 제곱", " 세제곱"
    percent, per_mille = "퍼센트", "퍼밀"
    currencies, units, signs = CURRENCIES, UNITS, SIGNS
    scales = "십백천만억조"
    per = "퍼"
    joint = " "
    at, dot, slash, dash = "골뱅이", "닷", "슬래시", "하이픈"
    each = "{unit}당 {words}"
    underscore, colon = "언더바", "콜론"
    weekdays = "월화수목금토일"
    morning, afternoon = "오전", "오후"
    telephone = (
        rf"(?<![{FIGURE}.,+-])(?:\(?0\d{{1,3}}\)?[ .-]{{0,2}}\d{{3,4}}[ .-]\d{{4}}|01\d{{8,9}}"
        rf"|1[5-9]\d\d-\d{{4}}|\(?\d{{3}}\)?[ .-]{{0,2}}\d{{3}}[.-]\d{{4}}"
        rf"|\d{{3,4}}-\d{{4}})(?![{FIGURE}-])"
    )

    def cardinal(self, n: int) -> str:
        """15000 -> 만 오천."""
        words: list[str] = []
        groups = in_fours(str(n))
        for place, group in zip(range(len(groups) - 1, -1, -1), groups):
            if group:
                sino = below_myriad(group)
                words.append(
                    ("" if group == 1 and place == 1 and not words else sino)
                    + ("", "만", "억", "조")[place]
                )
        return " ".join(words) or self.digits[0]

    def decimals(self, figures: str) -> str:
        return "".join(self.digits[int(each)] for each in figures)

    def counted(self, match: re.Match[str], name: str) -> str:
        scale = (match.groupdict().get("scale") or "").strip()
        words = self.amount(match) + scale
        if scale and not match["high"]:
            words = re.sub("^일(?=[십백천]|만$)", "", words)
        return f"{words} {name}"

    def unit(self, written: str) -> str:
        if written == "km/h":
            return "킬로미터 퍼 시간"
        return super().unit(written)

    def say_measure(self, match: re.Match[str]) -> str | None:
        if match["unit"] == "km/h" and before(match, r"시속 ?", 4):
            return f"{self.amount(match)} 킬로미터"
        return super().say_measure(match)

    def say_temperature(self, match: re.Match[str]) -> str | None:
        scale = {"C": "섭씨 ", "F": "화씨 "}.get(match["unit"] or "", "")
        if scale == "섭씨 " and before(match, r"섭씨 ?", 4):
            scale = ""
        words = self.amount(match)
        return f"{scale}{words} 도".replace("마이너스 ", "영하 ") if scale else f"{words} 도"

    def date(self, year: str, month: str, day: str, weekday: str) -> str:
        words = [f"{self.cardinal(int(year))} 년"] if year else []
        words.append(month_name(int(month)))
        if day:
            words.append(f"{self.cardinal(int(day))} 일")
        if weekday:
            words.append(f"{weekday}요일")
        return " ".join(words)

    def time(self, hour: int, minute: int, second: int) -> str:
        words = [f"{self.hour(hour)} 시"]
        if minute or second:
            words.append(f"{self.cardinal(minute)} 분")
        if second:
            words.append(f"{self.cardinal(second)} 초")
        return " ".join(words)

    def hour(self, hour: int) -> str:
        return native(hour) if 1 <= hour <= 12 else self.cardinal(hour)

    def between(self, low: str, high: str) -> str:
        return f"{low}부터 {high}까지"

    def say_times(self, match: re.Match[str]) -> str | None:
        words = super().say_times(match)
        return words.removesuffix("까지") if words and after(match, r" ?까지") else words

    def fraction(self, top: str, bottom: str) -> str:
        return f"{self.integer(bottom)}분의 {self.integer(top)}"

    def say_mathematics(self, match: re.Match[str]) -> str | None:
        words = super().say_mathematics(match) or ""
        return re.sub(r"(.) 는(?= )", lambda m: m[1] + ("은" if has_final(m[1]) else "는"), words)

    def mixed(self, whole: str, top: str, bottom: str) -> str:
        return f"{self.integer(whole)}과 {self.fraction(top, bottom)}"

    def address_word(self, word: str, after_dot: bool) -> str:
        lower = word.lower()
        if after_dot and (lower in TOP_DOMAINS or len(word) <= 4):
            return TOP_DOMAINS.get(lower) or "".join(LETTERS.get(char, char) for char in lower)
        return super().address_word(word, after_dot)

    def amount_readers(self) -> list[Reader]:
        counters = any_of(COUNTERS)
        return [
            *super().amount_readers(),
            reader(
                "measure",
                rf"(?<![{FIGURE}.,제/-])(?<!제 )(?P<low>\d{{1,2}}) ?{NOT_COUNTERS}"
                rf"(?P<counter>{counters})(?=[^\w]|\Z|[가-힣])",
                self.say_counter,
            ),
            reader(
                "range",
                rf"(?<![{FIGURE}.,제/-])(?<!제 )(?P<low>\d{{1,2}}){TO}"
                rf"(?P<high>\d{{1,2}}) ?{NOT_COUNTERS}(?P<counter>{counters})(?=[^\w]|\Z|[가-힣])",
                self.say_counters,
            ),
            reader(
                "cardinal",
                rf"{START}(?<!제)(?P<groups>\d[\d,]*[천백십만억조]+"
                rf"(?: ?\d[\d,]*[천백십만억조]+){{0,5}}"
                rf"(?: ?\d[\d,]*(?= ?[원명개]))?)(?P<unit> ?원)?",
                self.say_grouped,
            ),
        ]

    def say_counter(self, match: re.Match[str]) -> str | None:
        n, counter = int(match["low"]), match["counter"]
        if not n:
            return None
        if counter == "대" and n >= 10 and n % 10 == 0:  # in their twenties
            return None
        if counter in ("시간", "배") and n > 20:
            return None
        if counter == "번째" and n == 1:
            return "첫 번째"
        if counter == "번" and not self.is_times(match):
            return None
        return f"{native(n)} {counter}"

    def is_times(self, match: re.Match[str]) -> bool:
        """Whether 3번 means three times, and not number three."""
        if int(match["low"]) > 20:
            return False
        return not after(
            match, r"(?:을|를|은|이|가|으로|에|의) ?(?:선택|누르|타|번|문제|답|고르)", 12
        )

    def say_counters(self, match: re.Match[str]) -> str | None:
        """2~3개"""
        low, high, counter = int(match["low"]), int(match["high"]), match["counter"]
        if not low or not high:
            return None
        if counter in ("시간", "배") and high > 20 or counter == "대" and high >= 10:
            return None
        return f"{native(low)} {counter}에서 {native(high)} {counter}"

    def say_grouped(self, match: re.Match[str]) -> str | None:
        """1만5천원 -> 만 오천 원."""
        words: list[str] = []
        for figures, scale in re.findall(r"(\d[\d,]*)([천백십만억조]*)", match["groups"]):
            number = self.integer(figures)
            words.append(
                (
                    ""
                    if number == "일" and scale[:1] in "천백십만" and scale and not words
                    else number
                )
                + scale
            )
        spoken = re.sub(r"(?<=[십백천]) (?=[일이삼사오육칠팔구십백천]+$)", "", " ".join(words))
        return spoken + (" 원" if match["unit"] else "")

    def calendar_readers(self) -> list[Reader]:
        weekday = r"\((?P<first>[월화수목금토일])(?:[~-](?P<last>[월화수목금토일]))?\)"
        return [
            *super().calendar_readers(),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/-])(?P<year>{YEAR})\. ?(?P<month>{MONTH})\. ?"
                rf"(?P<day>{DAY})\.?(?!\d)(?: ?\((?P<weekday>[{self.weekdays}])\))?",
                self.say_date,
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/-])(?P<month>{MONTH})/(?P<day>{DAY})/(?P<year>{YEAR})(?!\d)",
                self.say_date,
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/])(?P<month>{MONTH}) ?월(?![가-힣]{{0,2}}급)",
                lambda m: month_name(int(m["month"])),
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/])(?P<low>{MONTH}) ?월 ?(?P<first>{DAY}) ?일(?: ?\("
                rf"(?P<weekday>[월화수목금토일])\))?{TO}(?:(?P<month>{MONTH}) ?월 ?)?"
                rf"(?P<day>{DAY}) ?일(?: ?\((?P<weekday2>[월화수목금토일])\))?",
                self.say_date_range,
            ),
            reader("date", rf"(?<=[일\d]) ?{weekday}", self.say_weekday),
            reader(
                "time",
                rf"(?<![{FIGURE}.,:/])(?P<hour>\d{{1,2}}) ?시(?!간|즌|리즈|장|군|민)(?: ?"
                rf"(?P<minute>[0-5]?\d) ?분)?(?: ?(?P<second>[0-5]?\d) ?초)?",
                self.say_oclock,
            ),
            reader(
                "time",
                rf"(?<![{FIGURE}.,:/])(?P<low>\d{{1,2}})시?{TO}(?P<high>\d{{1,2}}) ?시(?!간|즌"
                rf"|리즈)",
                self.say_hours,
            ),
        ]

    def say_date_range(self, match: re.Match[str]) -> str | None:
        low = self.date("", match["low"], match["first"], match["weekday"] or "")
        high = (
            self.date("", match["month"], match["day"], match["weekday2"] or "")
            if match["month"]
            else f"{self.cardinal(int(match['day']))} 일"
            + (f" {match['weekday2']}요일" if match["weekday2"] else "")
        )
        return (
            self.between(low, high).removesuffix("까지")
            if after(match, r" ?까지")
            else self.between(low, high)
        )

    def say_weekday(self, match: re.Match[str]) -> str | None:
        first = f"{match['first']}요일"
        return f" {first}부터 {match['last']}요일" if match["last"] else f" {first}"

    def say_oclock(self, match: re.Match[str]) -> str | None:
        hour = int(match["hour"])
        if hour > 24:
            return None
        if match["minute"] or match["second"]:
            words = [f"{self.hour(hour)} 시"]
            words += [f"{self.cardinal(int(match['minute']))} 분"] if match["minute"] else []
            words += [f"{self.cardinal(int(match['second']))} 초"] if match["second"] else []
            return " ".join(words)
        return f"{self.hour(hour)} 시"

    def say_hours(self, match: re.Match[str]) -> str | None:
        low, high = int(match["low"]), int(match["high"])
        if max(low, high) > 24:
            return None
        words = f"{self.hour(low)} 시부터 {self.hour(high)} 시"
        return words if after(match, r" ?까지") else words + "까지"

    def number_readers(self) -> list[Reader]:
        return [
            *super().number_readers(),
            reader(
                "fraction",
                rf"{START}(?P<minus>-)?(?P<bottom>\d+) ?분의 ?(?P<top>\d+)",
                lambda m: (
                    ("마이너스 " if m["minus"] else "") + self.fraction(m["top"], m["bottom"])
                ),
            ),
            reader(
                "fraction",
                rf"{START}(?P<whole>\d+) ?(?:과|와) ?(?P<top>\d+)/(?P<bottom>\d+)",
                lambda m: (
                    f"{self.integer(m['whole'])}{'와' if m['whole'][-1] in '2459' else '과'} "
                    f"{self.fraction(m['top'], m['bottom'])}"
                ),
            ),
            reader(
                "code",
                rf"(?<![{FIGURE}.,])(\d{{1,2}})[·ㆍ](\d{{1,2}})(?!\d)",
                self.say_day_of_history,
            ),
            reader(
                "code",
                rf"(?<![{FIGURE}.,])(\d)\.(\d{{1,2}})(?= ?(?:운동|절|혁명|사태))",
                self.say_day_of_history,
            ),
            reader(
                "measure",
                rf"(?<![{FIGURE}])(?P<unit>{any_of(UNITS)})(?=당)",
                lambda m: UNITS[m["unit"]],
            ),
            reader("code", r"(?<!\d)1(?:12|19|20|32)(?=에 ?(?:신고|전화|연락))", self.say_digits),
            reader(
                "score",
                r"(?<![\d,./-])(\d{1,2})-(\d{1,2})(?=로 ?[가-힣]*(?:승|이|패|졌))",
                self.say_score,
            ),
            reader(
                "score",
                rf"(?<![{FIGURE}.,제])(\d{{1,3}}) ?대 ?(\d{{1,3}})(?![{FIGURE}.,])",
                self.say_score,
            ),
            reader(
                "measure",
                rf"{START}(?P<low>{NUMBER}) ?[x×] ?(?P<high>{UNSIGNED})(?: ?(?P<unit>cm|mm|m|px))",
                self.say_size,
            ),
        ]

    def say_day_of_history(self, match: re.Match[str]) -> str | None:
        """6·25 -> 육이오."""
        if len(match[1]) > 1:
            return self.cardinal(int(match[1])) + self.cardinal(int(match[2]))
        return "".join(self.digits[int(each)] for each in match[1] + match[2])

    def say_size(self, match: re.Match[str]) -> str | None:
        low, high = self.number(match["low"]), self.number(match["high"])
        return f"{low} 곱하기 {high} {self.units[match['unit']]}"


def below_myriad(n: int) -> str:
    """1118 -> 천백십팔."""
    words = ""
    for size, name in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
        digit, n = divmod(n, size)
        if digit:
            words += ("" if digit == 1 and size > 1 else Korean.digits[digit]) + name
    return words


def has_final(syllable: str) -> bool:
    """Whether a syllable of Hangul ends in a consonant."""
    return "가" <= syllable <= "힣" and (ord(syllable) - ord("가")) % 28 > 0


def native(n: int) -> str:
    """20 -> 스무, 21 -> 스물한, as they stand before what is counted."""
    if n == 20:
        return "스무"
    return TENS[n // 10] + ONES[n % 10]


def month_name(month: int) -> str:
    """June and October lose a sound."""
    return {6: "유월", 10: "시월"}.get(month) or f"{KOREAN.cardinal(month)}월"


KOREAN = Korean()
GRAMMAR = KOREAN.grammar()
