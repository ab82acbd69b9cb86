"""Chinese codes: telephones, models, flights, plates, rooms, versions, addresses and initials."""

import re

from cosyvoice.text.chinese.numbers import COUNTER, number, ordinal
from cosyvoice.text.language import HAN
from cosyvoice.text.numbers import chinese_digits, chinese_number, telephone_digits
from cosyvoice.text.spans import after, before, reader

NAMED = (  # what a code is called, before it
    "验证码|校验码|动态码|密码|口令|尾号|卡号|学号|工号|编号|单号|账号|帐号|编码|邮编|邮政编码|邀请码|取件码|取餐码|提取码|兑换码|代码|"
    "条码|条形码|序列号|车次|航班号?|房间号?|房号|门牌号|门牌|座位号|身份证号?码?|护照号?码?|证号|号码|批号|批准文号|文号|股票|基金|"
    "群号?|QQ群?号?|qq群?号?|微信号?|ID|id|手机尾号|病历号|床号|考号|准考证号?|会议号|会议ID|频道|端口|流水号|合同号|发票号|税号|货号|款号|"
    "型号|区号|国标|准字|机号|档案号|案号|图书编号|商品编号|订单|运单|快递"
)
SERVICE = r"100(?:0[1-9]|[189]\d)|11185|12[1-3]\d\d|125\d\d|9[56]\d{3,4}|116114|10000"
EMERGENCY = "110|119|120|122|114|112|911|999|121|117"
KNOWN = r"10086|10010|12306|12315|12348|95\d{3}"  # wherever they are no count
CALLING = r"[拨叫呼警救]|打(?!折|[了到破])|报(?![价告名])|电话[：:是为]?|热线[：:是为]?|致电|联系|咨询|查询|急救|火警|匪警|拨通|客服|热线电话"
CALLED = r"[号的]?(?:急救|救护|报警|火警|电话|热线|来了|接警|指挥|平台|客服|官网|网站|软件|小程序|公众号|中心|警|台(?!币))"
PLATES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
WEAPONS = (  # names with a number behind a hyphen
    "歼|轰|运|直|强|教|水|空警|空|苏|米格|图|伊尔|安|卡|幻影|阵风|枭龙|翼龙|彩虹|攻击|无侦|东风|红旗|巨浪|鹰击|霹雳|海红旗|"
    "嫦娥|神舟|天宫|天舟|天问|天链|长征|快舟|北斗|风云|高分|玉兔|祝融|实践|遥感|海洋|资源|问天|梦天|阿波罗|联盟|旅行者|哈勃|"
    "附件|附录|附表|附图|图|表|公式|例|式|习题|第"
)
MADE = "波音|空客|空中客车|标致|宝马|奔驰|马自达|保时捷|法拉利|安东诺夫|桑塔纳|捷豹"
CHAT = r"23{2,}|([5-9])\1{2,}|520|521|1314|5201314|1314520|9494|7456|748|886|8023|3344|123(?:4(?:56?)?)?(?=[\u4e00-\u9fff])"
LETTER_TO_LETTER = {"O2O", "B2B", "B2C", "C2C", "P2P", "F2F", "C2M", "B2G", "D2C", "A2A", "C2B", "V2X", "P2E"}
WHERE = "室|房(?!价)|教室|包间|包厢|病房|办公室|会议室|宿舍|寝室|号房|号病房|铺(?!路)|房间|号室|展厅|班(?!级|人)|舱|柜|诊室|机房|自习室"
FIXED = {
    "985": "(?:高校|大学|院校|名校|工程|毕业|、|和|/|与)",
    "211": "(?:高校|大学|院校|名校|工程|毕业|、|和|/|与)",
    "863": "计划",
    "973": "计划",
    "996": r"(?!\d|[元块个人米%万千百斤公克分])",
    "404": "(?:页面|错误|了|$|，|。)",
    "502": "(?:胶|错误|网关)",
    "500": "(?:错误)",
    "301": "(?:医院|重定向)",
    "302": "(?:医院|重定向)",
    "798": "(?:艺术|园区|$|，|。)",
    "731": "部队",
    "8341": "部队",
    "360": "(?:浏览器|安全|杀毒|公司|软件|搜索|手机|导航)",
    "163": "(?:邮箱|网易|信箱)",
    "126": "(?:邮箱|信箱)",
    "139": "邮箱",
    "189": "邮箱",
    "1024": r"(?:程序员|节)",
}
INITIALISMS = (
    "nba cba vip ufo gpu cpu wto mvp iq eq mba atm ceo cfo cto coo pk dj ppt app usb led lcd gps dna rna wifi hiv "
    "ktv mv cd dvd pc tv api sdk url html css sql vpn kpi hr pdf diy spa suv bmw apec wha who imf opec nasa fbi cia "
    "ai ar vr ip bgm cp up npc rpg fps moba pua emo ootd gdp cpi ppi ipo ktv bbc cnn hbo espn ufc nfl mlb f1 oem odm"
).split()
SPELLED = {word for word in INITIALISMS if word not in ("app", "emo", "wifi", "up", "spa", "led", "who", "f1", "moba")}


def telephone(match: re.Match[str]) -> str | None:
    """Digits one by one; 转 and the extension follow."""
    digits = re.sub(r"[^\d转]", "", match["number"])
    extension = match["extension"]
    return telephone_digits(digits) + ("转" + telephone_digits(extension) if extension else "")


def in_digits(match: re.Match[str]) -> str:
    return telephone_digits(match["span"])


def named_code(match: re.Match[str]) -> str:
    """尾号1702, 编号3-15: each figure, and 杠 for a hyphen."""
    words = [
        telephone_digits(piece) if len(piece) > 2 or piece[0] == "0" else number(piece) if piece.isdigit() else "杠" if piece in "-–" else piece
        for piece in re.findall(r"\d+|[A-Za-z]+|.", match["span"])
        if piece != " "
    ]
    return "".join(words)


def service(match: re.Match[str]) -> str | None:
    if after(match, f"{COUNTER}|名"):
        return None
    alone = match[0] == match.string.strip(" 。！？.!?,，") and re.fullmatch(EMERGENCY, match[0])
    if alone or re.fullmatch(KNOWN, match[0]) or before(match, rf"(?:{CALLING})[^\d，。]{{0,3}}") or after(match, rf"[^\d，。]{{0,5}}?(?:{CALLED})"):
        return telephone_digits(match[0])
    return None


def code(match: re.Match[str]) -> str | None:
    """A word of Latin letters with figures: GPT-4o, COVID-19, CA1234, A8C656."""
    text = match["span"] if "span" in match.re.groupindex else match[0]
    if text.upper() in LETTER_TO_LETTER:
        return f"{text[0]} to {text[2]}"
    if re.fullmatch(r"[\d.]+[wW]|\d+(?:st|nd|rd|th)|\d+[xX]\d+", text):
        return None  # ten thousands, an ordinal, a product
    words = ""
    pieces = re.findall(r"\d+(?:\.\d+)*|[A-Za-z]+|.", text)
    for index, piece in enumerate(pieces):
        left = pieces[index - 1] if index else ""
        right = pieces[index + 1] if index + 1 < len(pieces) else ""
        words += code_piece(piece, left, right, len(pieces))
    return words


def code_piece(piece: str, left: str, right: str, pieces: int) -> str:
    if piece[0].isdigit():
        return code_number(piece, left, right, pieces)
    if piece == "-":
        if left[-1:].isdigit() and right[:1].isdigit():
            return "杠"
        return "-" if left.isalpha() and right.isalpha() else " " if left.isalpha() and right.isalpha() else ""
    if piece == "_":
        return "下划线"
    if piece in "./":
        return "点" if piece == "." and (right[:1].isdigit() and left[-1:].isdigit()) else " "
    if piece == "+":
        return "加"
    return piece


def code_number(text: str, left: str, right: str, pieces: int) -> str:
    """The figures of a code: up to two are a number, more are read one by one, unless round."""
    if "." in text:
        return version_words(text)
    size = len(text)
    if text[0] == "0" and size > 1:
        return telephone_digits(text)
    if right.upper() in ("KB", "MB", "GB", "TB", "PB", "FPS", "KHZ", "B"):
        return chinese_number(int(text)) if size < 9 else telephone_digits(text)
    if size <= 2:
        return telephone_digits(text) if pieces > 3 and size > 1 else chinese_number(int(text))
    if left.upper() == "TOP" and size < 5:
        return chinese_number(int(text))
    if right in ("p", "P", "i"):
        return telephone_digits(text)
    if (text.endswith("00") and size == 3) or (not left and size <= 3):
        return ordinal(text)
    if not left and text.endswith("00") and size < 6:
        return chinese_number(int(text))
    return telephone_digits(text)


def version_words(text: str) -> str:
    """3.5 -> 三点五, 1.10.2 -> 一点十点二, 192.168.1.1 digit by digit."""
    parts = text.split(".")
    if len(parts) == 2:
        return number(text)
    if len(parts) == 4:
        return "点".join(telephone_digits(part) for part in parts)
    return "点".join(telephone_digits(part) if len(part) > 2 or part[0] == "0" else chinese_number(int(part)) for part in parts)


def hyphened_code(match: re.Match[str]) -> str:
    """歼-15, 嫦娥-6号."""
    text = match["n"]
    words = number(text) if len(text) <= 2 or "." in text or text.endswith("00") else telephone_digits(text)
    return (match["name"] or "") + words


def chat(match: re.Match[str]) -> str | None:
    """Figures that stand for words: 233, 666, 520."""
    return None if after(match, rf"{COUNTER}|[+]?[名号页字余多公]") else chinese_digits(match[0])


def plate(match: re.Match[str]) -> str:
    return "".join(telephone_digits(char) for char in match[0] if char not in "·• -")


def room(match: re.Match[str]) -> str:
    """8-302 -> 八杠三零二, 402 -> 四零二."""
    return "杠".join(room_part(part) for part in re.split(r" ?[-–] ?", match["span"]))


def room_part(text: str) -> str:
    return telephone_digits(text) if len(text) > 2 or text[0] == "0" else ordinal(text)


ENDINGS = (
    "com|cn|net|org|io|edu|gov|ai|me|tv|cc|info|biz|app|dev|co|uk|us|jp|hk|tw|top|xyz|vip|site|shop|club|online|tech|"
    "html?|php|aspx?|jsp|json|xml|ya?ml|toml|ini|cfg|conf|txt|md|pdf|docx?|xlsx?|pptx?|csv|tsv|log|zip|rar|gz|tar|7z|exe|"
    "dmg|apk|ipa|iso|jpe?g|png|gif|bmp|svg|webp|mp[34]|m4a|wav|flac|ogg|avi|mov|mkv|flv|py|js|ts|jsx|tsx|css|java|cpp|"
    "rs|go|sh|bat|sql|ipynb|vue|psd|dll|so|bin|dat|bak|tmp|srt|lrc|epub|mobi|c|h"
)
SPOKEN_SIGN = {
    ".": "点",
    "/": "斜杠",
    "\\": "反斜杠",
    "_": "下划线",
    "-": "杠",
    ":": "冒号",
    "@": " at ",
    "?": "问号",
    "=": "等于",
    "&": "和",
    "#": "井号",
    "%": "百分号",
    "+": "加",
    "~": "波浪号",
}


def address(match: re.Match[str]) -> str:
    """A mail address, a web address, a path or a file, sign by sign."""
    text = re.sub(r"^(?:https?|ftp)://|^mailto:", "", match[0]).rstrip("/") or match[0]
    return "".join(address_piece(piece) for piece in re.findall(r"\d+|[A-Za-z]+|.", text))


def address_piece(piece: str) -> str:
    if piece[0].isdigit():
        return telephone_digits(piece) if len(piece) > 2 or piece[0] == "0" else chinese_number(int(piece))
    return SPOKEN_SIGN.get(piece, piece)


def spelled(match: re.Match[str]) -> str | None:
    word = match[0].replace(" ", "")
    return word.upper() if word.lower() in SPELLED else None


EDGE = r"(?<![A-Za-z\d])"
END = r"(?![A-Za-z\d])"
EXTENSION = r"(?: ?(?:转|-|ext\.?|分机) ?(?P<extension>\d{1,6}))?(?!\d)"
PATH = r"[A-Za-z0-9._~:/?#@!$&*+=%-]"

READERS = (
    # telephones
    reader("telephone", rf"(?<![\d.-])(?P<number>(?:\+|00)\d{{1,3}}[ -]?(?:\(?\d{{1,4}}\)?[ -]?)?\d{{3,4}}[ -]?\d{{3,4}}(?:[ -]?\d{{2,4}})?){EXTENSION}", telephone),
    reader("telephone", rf"(?<![\d.])(?P<number>(?:86[ -]?)?1[3-9]\d[ -]?\d{{4}}[ -]?\d{{4}}){EXTENSION}", telephone),
    reader("telephone", rf"(?<![\d.])(?P<number>1[3-9]\d{{2}}[ -]\d{{3}}[ -]\d{{4}}){EXTENSION}", telephone),
    reader("telephone", rf"(?<![\d.])(?P<number>\(0\d{{2,3}}\)[ -]?\d{{3,4}}[ -]?\d{{4}}){EXTENSION}", telephone),
    reader("telephone", rf"(?<![\d.])(?P<number>0\d{{2,3}}[ -]\d{{3,4}}[ -]?\d{{4}}){EXTENSION}", telephone),
    reader("telephone", rf"(?<![\d.])(?P<number>0\d{{2,3}}[2-8]\d{{6,7}}){EXTENSION}", telephone),
    reader("telephone", rf"(?<![\d.])(?P<number>[48]00[ -]?\d{{3,4}}[ -]?\d{{3,4}}){EXTENSION}", telephone),
    reader("telephone", rf"(?<![\d.])(?P<number>\(?\d{{3}}\)?[ -]\d{{3}}[ -]\d{{4}}){EXTENSION}", telephone),
    reader("telephone", rf"(?<![\d.])(?P<number>\d{{4}}[ -]\d{{4}}[ -]\d{{4}}(?:[ -]\d{{4}}(?:[ -]\d{{3}})?)?){EXTENSION}", telephone),
    reader("telephone", rf"(?:电话|致电|拨打|热线|传真|座机|手机号?码?|联系方式|TEL|Tel|tel)[:：是为. 号码请]{{0,3}}(?P<span>(?P<number>\d{{3,4}}[ -]?\d{{3,4}}(?:[ -]?\d{{1,5}})?){EXTENSION})", telephone),
    reader("telephone", rf"(?<![\d.A-Za-z-])(?:{EMERGENCY}|{SERVICE})(?![\d.%A-Za-z-])", service),
    # codes
    reader("code", rf"(?:{NAMED})[：: 是为号]{{0,3}}(?P<span>[A-Za-z]{{0,3}}\d{{1,4}}(?:[-–]\d{{1,6}})+)(?!\d)", named_code),
    reader("code", rf"(?:{NAMED})[：: 是为号]{{0,3}}(?P<span>\d{{3,32}}[Xx]?)(?![\d.%元块个万亿人位名]|年(?!级))", lambda m: telephone_digits(m["span"])),
    reader("code", r"(?<!\d)(\d{17}[\dXx]|\d{15,30})(?![\d.])", lambda m: telephone_digits(m[1])),
    reader("code", rf"{EDGE}(?:[A-Za-z]+(?:[-_][A-Za-z]+)*[-_]?\d|\d+(?:\.\d+)?[-_]?[A-Za-z])[A-Za-z\d]*(?:[-_.·+/]?[A-Za-z\d]+)*{END}", code),
    reader("code", r"(?<=[A-Za-z]) (?P<span>\d{3,})(?!\d|\.\d|[%元块个人万亿年月天次米分岁])", lambda m: code_number(m["span"], "x", "", 1)),
    reader("code", r"(?<=[A-Za-z])-(?P<n>\d+(?:\.\d+)*)(?![A-Za-z\d])", lambda m: code_number(m["n"], "x", "", 1)),
    reader("code", r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d|\.\d)", lambda m: version_words(m[0])),
    reader("code", rf"(?P<name>(?:{WEAPONS})(?:系列)?)-(?P<n>\d{{1,4}}(?:\.\d+)*)(?!\d)", hyphened_code),
    reader("code", rf"(?P<name>(?<=[{HAN}]))-(?P<n>\d{{1,4}})(?=[号型]|系列|导弹|战机|客机|火箭|坦克|手枪|步枪|直升机|轰炸机|战斗机)", hyphened_code),
    reader("code", rf"(?:{MADE}) ?(?P<span>\d{{3,4}})(?!\d|[万元块辆])", lambda m: code_number(m["span"], "x", "", 1)),
    reader("code", r"(?<![\d.])(?P<span>[1-9]\d[1-9])(?=客机|飞机|航班)", in_digits),
    reader("code", rf"[{PLATES}][A-Z][·• -]?[A-Z\d]{{4,6}}[学警挂]?(?![A-Za-z\d])", plate),
    # rooms, buildings, buses
    reader("code", rf"(?<![\d.-])(?P<span>[A-Za-z]?\d{{3,4}}(?:[-–]\d{{1,4}})?)(?= ?(?:{WHERE}))", lambda m: room(m) if m["span"][0].isdigit() else m["span"][0] + telephone_digits(m["span"][1:])),
    reader("code", r"(?:[号栋幢座室图表例楼]|房间|单元|会议室|教室|宿舍|包厢|包间|展位|库位|柜台|章节|习题)(?:号[：:]?)?(?P<span>\d{1,4}(?:[-–]\d{1,5})+)(?![\d.]|[月日号点时:：天人个])", room),
    reader("code", r"(?:[栋幢座室楼]|房间|单元|会议室|教室|宿舍|包厢|包间|展位)号?(?P<span>\d{3,4})(?![\d.]|[月日点时:：天人个元平万])", room),
    reader("code", r"(?<![\d.])(?P<span>\d{1,3}(?:[-–]\d{1,4}){2,})(?![\d.])", room),
    reader("code", r"(?<![\d.])(?P<span>\d{3})(?=路(?:公交|车|电车|汽车|$|[，。、和到的]))", in_digits),
    reader("code", r"(?<![\d.])(?P<span>\d{4})(?=次列车|次航班|号列车)", in_digits),
    # numbers that are names
    *(reader("code", rf"(?<![\d.A-Za-z]){figures}(?![\d.]){'(?=' + context + ')' if context else ''}", telephone_digits(figures)) for figures, context in FIXED.items()),
    reader("code", rf"(?<![\d.A-Za-z-])(?:{CHAT})(?![\d.%,:~-])", chat),
    reader("code", r"(?<![\d.])[1-9]{2}(?=折)", lambda m: chinese_digits(m[0])),
    reader("code", r"(?<![\d.])(?:00|[1-9]0|[6-9]5)(?=[后後](?![的]?[个天年月日续]))", lambda m: chinese_digits(m[0])),
    reader("code", r"(?<=双)(?:11|12)(?!\d)", lambda m: chinese_number(int(m[0]))),
    # addresses
    reader("address", rf"(?:https?|ftp)://{PATH}*[A-Za-z0-9/]", address),
    reader("address", r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", address),
    reader("address", rf"(?<![A-Za-z0-9._-])www\.{PATH}*[A-Za-z0-9]", address),
    reader("address", rf"(?<![A-Za-z0-9._@/-])[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.(?:{ENDINGS})(?![A-Za-z0-9_])(?:[/?]{PATH}*[A-Za-z0-9])?", address),
    reader("address", rf"(?<=[{HAN}])\.(?=(?:{ENDINGS})(?![A-Za-z0-9_]))", "点"),
    reader("address", r"(?<![A-Za-z0-9.])(?:[A-Z]:\\|~?/|\.{1,2}/)[A-Za-z0-9._-]+(?:[/\\][A-Za-z0-9._-]+)+", address),
    # initials and abbreviations
    reader("initials", rf"{EDGE}[A-Za-z](?:\. ?[A-Za-z])+\.?{END}(?!\.)", lambda m: re.sub(r"[. ]+", " ", m[0]).strip()),
    reader("initials", rf"{EDGE}(?:{'|'.join(sorted(SPELLED, key=len, reverse=True))}){END}", spelled),
    reader("abbreviation", rf"{EDGE}(?:vs|VS|Vs)\.?{END}", "对"),
    reader("abbreviation", rf"{EDGE}(?:v|V|ver|Ver|Lv|lv|LV|Vol|vol|VOL|EP|Ep|Ch|ch)\.(?= ?\d)", lambda m: m[0][:-1]),
)
