import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from cosyvoice.text.language import MARKS, contains_chinese, is_speakable, language_of, syllables
from cosyvoice.text.normalize import normalize, normalize_passages
from cosyvoice.text.sentences import UNBROKEN, segments, split_sentences

SPOKEN = {
    "今天是2026年11月22日，气温23.5℃，涨了12%。": (
        "今天是二零二六年十一月二十二日，气温二十三点五摄氏度，涨了百分之十二。"
    ),
    "价格￥19.99，1/3的人，3.5kg。": "价格十九点九九元，三分之一的人，三点五千克。",
    "打13800138000或+86 138 0013 8000": "打幺三八零零幺三八零零零或八六幺三八零零幺三八零零零",
    "打400-800-1234": "打四零零八零零幺二三四",
    "身份证11010119900307123X": "身份证幺幺零幺零幺幺九九零零三零七幺二三X",
    "10:30开会，比分3:2": "十点三十分开会，比分三比二",
    "版本v1.2.3": "版本v一点二点三",
    "2026.11.22发布": "二零二六年十一月二十二日发布",
    "1～2天": "一到两天",
    "x²吧": "x平方吧",
    "（括号）【方括】`反`": "括号方括反",
    "hello 你好 big world 吧": "hello你好big world吧",
    "结尾逗号，": "结尾逗号。",
    "标题\n\n正文\n下一行": "标题。正文，下一行",
    "床前明月光\n疑是地上霜": "床前明月光，疑是地上霜",
    "这一行字很长，是从别处复制过来的，所以在一句话的中\n间断了行": (
        "这一行字很长，是从别处复制过来的，所以在一句话的中间断了行"
    ),
    "Shopping list\nApples\nand a line that is so long that someone has wrapped\nit": (
        "Shopping list, Apples, and a line that is so long that someone has wrapped it"
    ),
    "1. 苹果\n2. 香蕉\n（三）好吃的梨": "一，苹果。二，香蕉。三，好吃的梨",
    "1. Apples\n2. Pears": "one. Apples. two. Pears",
    "訂單號12345678，早上8點~晚上10點": "订单号幺二三四五六七八，早上八点到晚上十点",
    "他看著原著，顯著的乾隆乾淨": "他看着原著，显著的乾隆干净",
    "①准备；②开始": "一，准备；二，开始",
    "3×4=12，05/01": "三乘四等于十二，五月一日",
    "验证码是8451，QQ：12345678，学号20230101": (
        "验证码是八四五幺，QQ：幺二三四五六七八，学号二零二三零幺零幺"
    ),
    "航班CA1234，G1234次列车，TOP500，USD1000": (
        "航班CA幺二三四，G幺二三四次列车，TOP五百，一千美元"
    ),
    "100+家企业，打85折，9.18事变，重500g": "一百多家企业，打八五折，九一八事变，重五百克",
    "早上7:00~晚上22:00，2023-2024学年，见图1-2": (
        "早上七点到晚上二十二点，二零二三到二零二四学年，见图一杠二"
    ),
    "√2≈1.414，α粒子，x²+y=z，10^6": (
        "根号二约等于一点四一四，阿尔法粒子，x平方加y等于z，十的六次方"
    ),
    "邮箱test@example.com，网址https://www.example.cn，你&我，C#和C++": (
        "邮箱test at example点com，网址www点example点cn，你和我，C sharp和C加加"
    ),
    "Open file.txt at https://www.example.com": "Open file dot txt at WWW dot example dot com",
    "Call 555-1234 w/ a 4x4, x²≈10^6, C#": (
        "Call five five five, one two three four with a four by four, "
        "x squared approximately ten to the power of six, C sharp"
    ),
    "I paid $5.50 for 3.5 kg on Nov 22, 2026 at 10:30am.": (
        "I paid five point five dollars for three point five kilograms on the twenty second of "
        "november, "
        "twenty twenty six at ten thirty AM."
    ),
    "Call (555) 123-4567.": "Call five five five, one two three, four five six seven.",
    "card 123456789012": "card one two three four five six seven eight nine zero one two",
    "3/4 cup, 50% off": "three quarters cup, fifty percent off",
    "v1.2.3": "v one point two point three",
    "the 1990s": "the nineteen nineties",
    "#1 & co": "number one and co",
    'Dr. Smith said "5"': 'doctor Smith said "five"',
    "有10，1个给你，5，6，7号": "有十，一个给你，五，六，七号",
    "共1,234,567人，选10,20": "共一百二十三万四千五百六十七人，选十，二十",
    "￥1,000，$100万，￥3.5亿元": "一千元，一百万美元，三点五亿元",
    "走3/4公里，1/2 杯，1½杯，½块": "走四分之三公里，二分之一杯，一又二分之一杯，二分之一块",
    "12/25日见": "十二月二十五日见",
    "NO.1的选手1v1": "NO一的选手一V一",
    "<strong>5</strong>，1/3吧": "<strong>五</strong>，三分之一吧",
    "I paid $1,234.56 for 1½ cups": (
        "I paid one thousand two hundred and thirty four point five six dollars for one and a "
        "half cups"
    ),
    "a thousand men, 21,000 men": "a thousand men, twenty one thousand men",
    "open 24/7 in 1990-2000": "open twenty four seven in nineteen ninety to two thousand",
    "No. 10": "number ten",
    "No. I said no.": "no. I said no.",
    "客服24/7在线，7×24小时": "客服七乘二十四小时在线，七乘二十四小时",
    "融资$2.5M，估值$1.2B，花￥300K": "融资两百五十万美元，估值十二亿美元，花三十万元",
    "体重>100公斤，温度<5度": "体重大于一百公斤，温度小于五度",
    "周一~周五9:00~18:00，3~5天，9:00—21:30": (
        "周一至周五九点到十八点，三到五天，九点到二十一点三十分"
    ),
    "10%-20%，1.5-2倍，$5-$10": "百分之十到百分之二十，一点五到二倍，五美元到十美元",
    "5/1放假，Ⅱ型，第IV章，V型，20㎡": "五月一日放假，二型，第四章，V型，二十平方米",
    "你好~今天": "你好~今天",
    "<strong>5</strong>>3天": "<strong>五</strong>大于三天",
    "a >100, b<5, ≥3": (
        "a greater than one hundred, b less than five, greater than or equal to three"
    ),
    "$300K, $1.5T and $5m": (
        "three hundred thousand dollars, one point five trillion dollars and five million dollars"
    ),
    "Monday~Friday, 9am~5pm, $5-$10, 1990~2000": (
        "Monday to Friday, nine AM to five PM, five dollars to ten dollars, "
        "nineteen ninety to two thousand"
    ),
    "Hi~ it is ~5": "Hi it is about five",
    "Henry VIII, Louis XIV's, George V and John XXIII": (
        "Henry the eighth, Louis the fourteenth's, George the fifth and John the twenty third"
    ),
    "World War II, Chapter IV, Rocky IV and a type I error": (
        "World War two, Chapter four, Rocky four and a type one error"
    ),
    "Elizabeth I of England and James I.": "Elizabeth the first of England and James the first.",
    "I told George I knew the part I like; so do I.": (
        "I told George I knew the part I like; so do I."
    ),
    "Malcolm X, an IV drip, James V. Smith": "Malcolm X, an IV drip, James V. Smith",
    "1500 m, 1 m, 5 km, 3 kg, 5 m/s, 2L": (
        "fifteen hundred meters, one meter, five kilometers, three kilograms, "
        "five meters per second, two liters"
    ),
    "联系10086客服，在12306网站，95588的客服，10000客服，12500元": (
        "联系幺零零八六客服，在幺二三零六网站，九五五八八的客服，一万客服，一万二千五百元"
    ),
    "体重从120降到110，共119。请拨打110报警": (
        "体重从一百二十降到一百一十，共一百一十九。请拨打幺幺零报警"
    ),
    "原价200，打折后120，房间号是120": "原价两百，打折后一百二十，房间号是幺二零",
    "119火警电话，快叫110，120的救护车": "幺幺九火警电话，快叫幺幺零，幺二零的救护车",
    "范围是100-120，温度在15-20之间，10-2=8": (
        "范围是一百到一百二十，温度在十五到二十之间，十减二等于八"
    ),
    "比分是2-3，3-0领先，编号3-15，房间8-302": (
        "比分是二比三，三比零领先，编号三杠十五，房间八杠三百零二"
    ),
    "血压是120/80，血压过高打120": "血压是一百二十，八十，血压过高打幺二零",
    "血压130/80毫米汞柱，第1/3页，电压220V，60W的灯": (
        "血压一百三十，八十毫米汞柱，第一页，共三页，电压两百二十伏，六十瓦的灯"
    ),
    "6/18大促，11/11也是，12/31截止，3/16寸": (
        "六月十八日大促，十一月十一日也是，十二月三十一日截止，十六分之三寸"
    ),
    "增长了3‰，它值10w，粉丝100w+，1980s的歌": (
        "增长了千分之三，它值十万，粉丝一百万加，一九八零年代的歌"
    ),
    "房间号8-302，3栋2-101，COVID-19疫情，3号8-10点": (
        "房间号八杠三百零二，三栋二杠一百零一，COVID十九疫情，三号八到十点"
    ),
    "5M users, 2.5K likes, 4K videos": (
        "five million users, two point five thousand likes, four K videos"
    ),
    "He is 6'2\" or 5ft 11in and ran 5m 30s": (
        "He is six foot two or five feet eleven inches and ran five minutes thirty seconds"
    ),
    "St. Louis, Main St. in Rome, Dr. Smith vs. Tom, etc.": (
        "Saint Louis, Main Street in Rome, doctor Smith versus Tom, et cetera."
    ),
    "by 5/1 or on 12/25, e.g. May 3, 2020": (
        "by May first or on the twenty fifth of december, for example May third, twenty twenty"
    ),
    "cut by 1/3, to 3/4, from 1/2 to 2/3": (
        "cut by one third, to three quarters, from one half to two thirds"
    ),
    "44.1 kHz, 9/11, 3/4 in": "forty four point one kilohertz, nine eleven, three quarters in",
    "10/10 by 50+ people. Call 911 or 1-800-555-1234": (
        "ten out of ten by fifty plus people. "
        "Call nine one one or one eight zero zero five five five one two three four"
    ),
}


@pytest.mark.parametrize("text", SPOKEN)
def test_numbers_dates_money_and_units_are_spoken(text):
    assert normalize(text) == SPOKEN[text]


@pytest.mark.parametrize(
    "text",
    [
        "[laughter]3个[breath]5次<strong>7</strong>吧",
        "[laughter]3 dogs [breath] <strong>7</strong> <laughter>ha</laughter> #5",
    ],
)
def test_inline_marks_survive_and_what_is_around_them_is_spoken(text):
    assert MARKS.findall(normalize(text)) == MARKS.findall(text)
    assert not re.search(r"\d", normalize(text))


def test_an_abbreviation_keeps_its_letters_apart():  # upstream makes "ABC" of it
    assert normalize("A. B. C.") == "A B C."


def test_a_dash_leaves_no_leading_blank():  # upstream's " 破折号"
    assert normalize("——破折号") == "破折号"


def test_emoji_and_control_characters_are_dropped():
    assert normalize("你好😀\x00，世\u200b界❤️！") == "你好，世界！"
    assert normalize("hi 👨‍👩‍👧\x07 there\ud800") == "hi there"
    assert normalize("\ud800銀行\udfff好") == "银行好"


@pytest.mark.parametrize(
    "text",
    ["a  b   c 5", "1～2", "+5", "#1 & @home", "x² 5 ～ 3", "5kg/3km²/20m³", "~5", "”5", "\\ 5"],
)
def test_symbols_unknown_to_wetext_leave_no_digit_unread(text):
    """Its English grammar asserts on some of them."""
    assert not re.search(r"[0-9]", normalize(text))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("他说：“好。”然后走了！", ["他说：“好。”然后走了！"]),
        ("！！！真的？！", ["真的？"]),
        ("没有标点", ["没有标点。"]),
        ("Hello... world", ["Hello. world."]),
    ],
)
def test_sentences_end_with_one_stop(text, expected):
    assert split_sentences(text, str.split) == expected


@pytest.mark.parametrize(
    "text",
    ["版本3.14发布", "见https://example.com/a.html吧", "U.S.A.很大", "see J. Smith at example.com"],
)
def test_dots_inside_numbers_addresses_and_names_are_no_stops(text):
    assert split_sentences(normalize(text), list)[0].rstrip("。.") == normalize(text).rstrip("。.")
    assert normalize(text).count("。") == 0


MORNING = (
    "The wind comes from the valley. On May 3, 2024 it cost $5.20! I gave 1,200 to Mr. Smith. "
)


@pytest.mark.parametrize(
    "text, passages",
    [
        (
            "他说：“走吧！”价格是$5.20！真的吗？好。1. 第一项；2. 第二项。Good morning. 好的。\n"
            * 40,
            6,
        ),
        ("今天3/4。2026年很长。" * 60 + "电话是110。来了！“你好”。" * 30, 3),
        (MORNING * 20, 5),
        (MORNING * 20 + "A thousand.", 1),
        ("没有句号" * 200, 1),
        ("短。", 1),
    ],
)
def test_a_text_in_passages_is_read_as_the_whole(text, passages):
    parts = list(normalize_passages(text, language_of(text)))
    assert len(parts) >= passages and (len(parts) == 1) == (passages == 1)
    assert "".join(parts) == normalize(text) and all(len(part) > 200 for part in parts[:-1])
    assert list(segments(parts, language_of(text), list)) == split_sentences(normalize(text), list)


def test_sentences_are_joined_to_about_80_characters():
    sentences = split_sentences("今天天气很好。" * 50, list)
    assert "".join(sentences) == "今天天气很好。" * 50
    assert all(60 < len(s) <= 80 for s in sentences[:-1])
    assert (
        len(split_sentences("今天天气很好。" * 11 + "完。", list)) == 1
    )  # a short end joins the last


@pytest.mark.parametrize(
    "unit", ["啊", "a", "a b ", "ab,", "𠀀好", "1", "，好", "你a", "\ud800好", "!a"]
)
def test_no_text_makes_an_overlong_sentence(unit):
    def encode(part):
        return list(part.encode("utf-8", "replace"))[::2]

    text = unit * (3000 // len(unit))
    sentences = split_sentences(text, encode)
    assert all(min(len(encode(s)), len(s)) <= 2 * UNBROKEN for s in sentences)
    assert sum(map(len, sentences)) >= len(text) * 0.9


def test_marks_are_never_cut():
    assert all(MARKS.sub("", s).strip(".") == "" for s in split_sentences("<|en|>" * 1500, list))


def test_speakable_is_anything_with_a_letter_or_digit():
    assert is_speakable("。a") and is_speakable("5") and not is_speakable("。，！ \n—…😀")


@pytest.mark.parametrize("character", "好〇㐀豈𠀀")
def test_rare_characters_are_chinese_too(character):
    assert contains_chinese(character) and language_of(character) == "zh"
    assert syllables(f"A{character}") == 3 and normalize(f"A & {character}").startswith("A和")


@pytest.mark.parametrize("character", "aé5カ가䷀—")
def test_other_scripts_and_symbols_are_not_chinese(character):
    assert not contains_chinese(character)


def test_syllables_of_scripts():
    assert [
        syllables(text)
        for text in ("你好，世界。", "It's good", "こんにちは", "안녕", "第12号", "— …")
    ] == [4, 4, 5, 2, 4, 0]


def test_normalizing_in_threads_gives_the_same():
    texts = list(SPOKEN) * 3
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(normalize, texts)) == [SPOKEN[text] for text in texts]
