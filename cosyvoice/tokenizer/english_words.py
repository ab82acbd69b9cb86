"""English words that the lexicon lacks or reads otherwise, and words of two senses, in misaki's
symbols."""

# Read letter by letter in capitals, though they are other words in small letters
INITIALS = set(
    """US IT WHO AI AM AD PE ER IP IQ EQ AR VR HR PR UI UX OS LA ET CAD CAT5 USA UAE ICU MIT IPO ISO
NGO CEO CFO CTO COO GPA MBA IRA IRS CIA FBI NBA ABC DIY FAQ UFO VIP LED GUI API IDE SOS ATM ESP HIV
IBM BBC CNN KFC BMW EU UN UK OCD ADHD EKG ECG ICBM BA BS MA MS PA PC TA RA RV SUV IELTS USB IPA URL
IOU AKA ETA ASL EMS APA AA AAA ID IM IVF IUD EV AC DC AQI PMI ESG ETF IOS APR GPS
GDP GPU GI""".split()
) - {"IELTS", "CAT5", "IRA", "MA", "CAD"}
ALWAYS_SPELT = {"am": "æm", "an": "ɐn", "I": "ˌI", "Ms": "mˈɪz"}

NEW_WORDS = {  # in small letters
    line.split()[0]: line.split()[1]
    for line in """
youtube jˈutˌub
tiktok tˈɪktˌɑk
wechat wˈiʧˌæt
chatgpt ʧˌætʤˌipˌitˈi
openai ˌOpᵊnˌAˈI
wifi wˈIfˌI
kubernetes kˌubəɹnˈɛTiz
pytorch pˈItˌɔɹʧ
covid kˈOvɪd
qwen kwˈɛn
json ʤˈAsən
alibaba ˌɑlibˈɑbə
alipay ˈɑlipˌA
shenzhen ʃˈʌnʤˈʌn
weibo wˈAbˌO
taobao tˈWbˌW
xi ʃˈi
zhang ʤˈɑŋ
zhao ʤˈW
xiao ʃˈW
qiang ʧˈæŋ
xu ʃˈu
zhou ʤˈO
zhu ʤˈu
qi ʧˈi
qin ʧˈɪn
tokenizer tˈOkənˌIzəɹ
nasdaq nˈæzdˌæk
huawei wˈɑwˌA
xiaomi ʃˈWmi
ikea IkˈiA
porsche pˈɔɹʃə
hyundai hˈʌndA
adidas ədˈidəs
asus ˈAsus
tahoe tˈɑhO
acai ˌɑsIˈi
gps ʤˌipˌiˈɛs
gdp ʤˌidˌipˈi
lenovo lənˈOvO
chanel ʃənˈɛl
hermes ɛɹmˈɛz
l'oreal lˌɔɹiˈæl
loreal lˌɔɹiˈæl
volkswagen vˈOlkswˌæɡən
michelin mˈɪʃəlɪn
audi ˈWdi
peugeot puʒˈO
renault ɹənˈO
citroen sˈɪtɹOən
versace vəɹsˈɑʧi
uber ˈubəɹ
airbnb ˌɛɹbiənbˈi
whatsapp wˈʌtsˌæp
instagram ˈɪnstəɡɹˌæm
github ɡˈɪthˌʌb
gitlab ɡˈɪtlˌæb
linux lˈɪnəks
ubuntu ubˈʊntu
nvidia ɛnvˈɪdiə
amd ˌAˌɛmdˈi
siemens sˈimᵊnz
baidu bˈIdu
tencent tˈɛnsˌɛnt
bytedance bˈItdˌæns
yahoo jˈɑhu
zara zˈɑɹə
moet mOˈɛt
microsoft mˈIkɹəsˌɔft
fedex fˈɛdˌɛks
paypal pˈApˌæl
jaguar ʤˈæɡwɑɹ
vuitton vwitˈɑn
shakira ʃəkˈiɹə
linkedin lˈɪŋktˌɪn
snapchat snˈæpʧˌæt
reddit ɹˈɛdɪt
quora kwˈɔɹə
anthropic ænθɹˈɑpɪk
deepseek dˈipsˌik
youtuber jˈutˌubəɹ
midjourney mˈɪdʤˌɜɹni
duolingo dˌuəlˈɪŋɡO
lululemon lˌululˈɛmən
sephora səfˈɔɹə
rolex ɹˈOlˌɛks
burberry bˈɜɹbəɹi
ferrari fəɹˈɑɹi
ducati dukˈɑTi
yamaha jˈɑməhˌɑ
kawasaki kˌɑwəsˈɑki
panasonic pˌænəsˈɑnɪk
toshiba tOʃˈibə
fujitsu fuʤˈitsu
hitachi hɪtˈɑʧi
logitech lˈɑʤɪtˌɛk
huggingface hˈʌɡɪŋfˌAs
spotify spˈɑTəfˌI
shrewsbury ʃɹˈuzbɛɹi
haagen hˈɑɡən
dazs dˈɑz
nescafe nˈɛskæfˌA
danone dənˈOn
lancome lɑŋkˈOm
givenchy ʒivɑnʃˈi
hublot ublˈO
cartier kˈɑɹtiˌA
bulgari bˈʊlɡəɹi
bvlgari bˈʊlɡəɹi
fendi fˈɛndi
prada pˈɹɑdə
balenciaga bəlˌɛnsiˈɑɡə
moschino məskˈinO
dolce dˈOlʧA
gabbana ɡəbˈɑnə
louboutin lubutˈæn
yves ˈiv
laurent lɔɹˈɑn
givaudan ʒivOdˈɑn
uniqlo jˈunikˌlO
muji mˈuʤi
asics ˈAsɪks
mizuno mɪzˈunO
onitsuka ˌOnɪtsˈukə
subaru sˈubəɹu
mazda mˈɑzdə
isuzu ɪsˈuzu
daihatsu dIhˈɑtsu
lamborghini læmbəɹɡˈini
maserati mˌæzəɹˈɑTi
bugatti buɡˈɑTi
skoda skˈOdə
seat sˈit
byd bˌiwˌIdˈi
geely ʤˈili
nio nˈiO
xpeng ˈɛkspˌʌŋ
meituan mAtwˈɑn
didi dˈidi
pinduoduo pˌɪndwɔdwˈɔ
douyin dˈOjɪn
bilibili bˌilibˈili
netease nˈɛtˌiz
zte zˌitˌiˈi
vivo vˈivO
oppo ˈɑpO
realme ɹˈilmi
oneplus wˈʌnplˌʌs
haier hˈIəɹ
hisense hˈIsˌɛns
tsingtao ʧɪŋdˈW
moutai mWtˈI
huaweis wˈɑwˌAz
postgres pˈOstɡɹˌɛs
postgresql pˈOstɡɹˌɛskjuˌɛl
mysql mˌIˌɛskjuˈɛl
sqlite ˌɛskjuˈɛlIt
nginx ˌɛnʤɪnˈɛks
numpy nˈʌmpˌI
scipy sˈIpˌI
pypi pˈIpˌiˌI
debian dˈɛbiən
fedora fədˈɔɹə
kotlin kˈɑtlɪn
django ʤˈæŋɡO
redis ɹˈɛdɪs
macos mˈækˌOˌɛs
ios ˌIˌOˈɛs
ipad ˈIpˌæd
imac ˈImˌæk
ebay ˈibˌA
gmail ʤˈimˌAl
imdb ˌIˌɛmdˌibˈi
latex lˈAtˌɛk
gif ɡˈɪf
sql sˈikwəl
yaml jˈæməl
ascii ˈæski
ocr ˌOsˌiˈɑɹ
regex ɹˈɛʤˌɛks
emoji imˈOʤi
anime ˈænəmˌA
manga mˈæŋɡə
karaoke kˌæɹiˈOki
sudoku sudˈOku
tofu tˈOfu
pho fˈʌ
bao bˈW
dim dˈɪm
siobhan ʃəvˈɔn
niamh nˈiv
saoirse sˈɜɹʃə
aoife ˈifə
caoimhe kˈivə
sinead ʃənˈAd
eoghan ˈOən
nguyen wˈɪn
ng ˈɪŋ
wang wˈɑŋ
huang hwˈɑŋ
yang jˈɑŋ
chang ʧˈɑŋ
jiang ʤjˈɑŋ
liang ljˈɑŋ
zheng ʤˈʌŋ
cheng ʧˈʌŋ
feng fˈʌŋ
deng dˈʌŋ
peng pˈʌŋ
meng mˈʌŋ
wu wˈu
hu hˈu
guo ɡwˈɔ
luo lwˈɔ
ma mˈɑ
he hˌi
lin lˈɪn
chen ʧˈɛn
shen ʃˈɛn
wei wˈA
lei lˈA
mei mˈA
jie ʤjˈɛ
jun ʤˈun
yuan juˈɑn
yan jˈɛn
ying jˈɪŋ
ming mˈɪŋ
xin ʃˈɪn
xia ʃjˈɑ
xie ʃjˈɛ
xiong ʃjˈʊŋ
qian ʧjˈɛn
qiu ʧjˈO
cai tsˈI
cao tsˈW
cui tswˈA
zeng dzˈʌŋ
zhong ʤˈʊŋ
zhejiang ʤˈʌʤjˈɑŋ
jiangsu ʤjˈɑŋsˈu
sichuan sˌɪʧwˈɑn
hangzhou hˈɑŋʤˈO
guangzhou ɡwˈɑŋʤˈO
guangdong ɡwˈɑŋdˈʊŋ
nanjing nˈɑnʤˈɪŋ
wuhan wˌuhˈɑn
xi'an ʃˈiˈɑn
xian ʃˈiˈɑn
xinjiang ʃˈɪnʤjˈɑŋ
qingdao ʧˈɪŋdˈW
chongqing ʧˈʊŋʧˈɪŋ
chengdu ʧˈʌŋdˈu
suzhou sˈuʤˈO
tianjin tjˌɛnʤˈɪn
harbin hˈɑɹbɪn
hainan hˌInˈɑn
yunnan jˌunˈɑn
guizhou ɡwˈAʤˈO
fujian fˈuʤjˈɛn
kunming kˈʊnmˈɪŋ
lhasa lˈɑsə
macau məkˈW
macao məkˈW
sean ʃˈɔn
shaun ʃˈɔn
goethe ɡˈɜɹTə
nietzsche nˈiʧə
keynes kˈAnz
hermione həɹmˈIəni
penelope pənˈɛləpi
chloe klˈOi
zoe zˈOi
persephone pəɹsˈɛfəni
cumberbatch kˈʌmbəɹbˌæʧ
kamala kˈɑmələ
biden bˈIdᵊn
zelensky zəlˈɛnski
macron məkɹˈɔn
merkel mˈɛɹkᵊl
pichai pɪʧˈI
nadella nədˈɛlə
zuckerberg zˈʌkəɹbˌɜɹɡ
altman ˈɔltmən
bezos bˈAzOs
musk mˈʌsk
chopin ʃˈOpæn
bach bˈɑk
mozart mˈOtsɑɹt
dvorak dvˈɔɹʒæk
tchaikovsky ʧIkˈɔfski
debussy dˌɛbjusˈi
bizet bizˈA
proust pɹˈust
camus kæmˈu
descartes dAkˈɑɹt
foucault fukˈO
rousseau ɹusˈO
monet mOnˈA
manet mænˈA
degas dəɡˈɑ
gauguin ɡOɡˈæn
matisse mætˈis
renoir ɹənwˈɑɹ
seurat sɜɹˈɑ
cezanne sAzˈæn
van vˈæn
gogh ɡˈO
vermeer vəɹmˈɪɹ
yeats jˈAts
gloucester ɡlˈɑstəɹ
norwich nˈɔɹɪʧ
warwick wˈɔɹɪk
greenwich ɡɹˈɛnɪʧ
harwich hˈæɹɪʤ
southwark sˈʌðək
holborn hˈObən
marylebone mˈɑɹləbən
leominster lˈɛmstəɹ
bicester bˈɪstəɹ
towcester tˈOstəɹ
cirencester sˈIɹənsɛstəɹ
alnwick ˈænɪk
keswick kˈɛzɪk
berwick bˈɛɹɪk
chiswick ʧˈɪzɪk
dulwich dˈʌlɪʧ
woolwich wˈʊlɪʧ
ipswich ˈɪpswɪʧ
loughborough lˈʌfbəɹə
middlesbrough mˈɪdəlzbɹə
peterborough pˈiTəɹbəɹə
scarborough skˈɑɹbəɹə
tottenham tˈɑtnəm
fulham fˈʊləm
birmingham bˈɜɹmɪŋəm
nottingham nˈɑtɪŋəm
twickenham twˈɪkənəm
cheltenham ʧˈɛltnəm
beaulieu bjˈuli
beauchamp bˈiʧəm
cholmondeley ʧˈʌmli
belvoir bˈivəɹ
magdalen mˈɔdlɪn
caius kˈiz
plymouth plˈɪməθ
portsmouth pˈɔɹtsməθ
bournemouth bˈɔɹnməθ
thames tˈɛmz
tyne tˈIn
wien vˈin
lyon liˈOn
marseille mɑɹsˈA
reims ɹˈimz
versailles vəɹsˈI
cannes kˈæn
calais kælˈA
rouen ɹuˈɑn
grenoble ɡɹənˈObᵊl
dijon diʒˈOn
gdansk ɡədˈænsk
lodz wˈuʤ
wroclaw vɹˈɔtslɑf
krakow kɹˈɑkWf
reykjavik ɹˈAkjəvɪk
phuket pukˈɛt
yosemite jOsˈɛməTi
moines mˈYn
albuquerque ˈælbəkˌɜɹki
tempe tɛmpˈi
oahu oˈɑhu
kauai kəwˈI
edinburgh ˈɛdᵊnbəɹə
'n ᵊn
'tis tˈɪz
o'brien ObɹˈIən
'til tɪl
'bout bˈWt
'round ɹˈWnd
""".strip().splitlines()
}
del NEW_WORDS["he"], NEW_WORDS["seat"], NEW_WORDS["van"], NEW_WORDS["dim"], NEW_WORDS["ma"]
# Names in capital letters that are other words in small ones
CAPITALISED = {"August": "ˈɔɡəst", "Polish": "pˈOlɪʃ", "Lima": "lˈimə", "Nestle": "nˈɛslA"}
AFTER_PREPOSITION = {"Nice": "nˈis", "Reading": "ɹˈɛdɪŋ", "Mobile": "mObˈil", "Tours": "tˈʊɹ"}
PLACE_PREPOSITIONS = {"in", "from", "to", "near", "of", "at"}
POLISHED = {"the", "your", "my", "it", "this", "that", "these", "all", "his", "her", "our", "with"}

# First and second sense, each told by weights of its own
OWN_SENSES = {
    "lead": ("lˈid", "lˈɛd"),
    "bass": ("bˈAs", "bˈæs"),
    "bow": ("bˈO", "bˈW"),
    "row": ("ɹˈO", "ɹˈW"),
    "sow": ("sˈO", "sˈW"),
    "read": ("ɹˈid", "ɹˈɛd"),
    "wound": ("wˈund", "wˈWnd"),
    "minute": ("mˈɪnət", "mInjˈut"),
    "learned": ("lˈɜɹnd", "lˈɜɹnəd"),
    "aged": ("ˈAʤd", "ˈAʤəd"),
    "blessed": ("blˈɛst", "blˈɛsəd"),
    "content": ("kəntˈɛnt", "kˈɑntɛnt"),
    "invalid": ("ɪnvˈælɪd", "ˈɪnvəlɪd"),
}
# Their second sense is an adjective, which stands after an article.
ADJECTIVES_IN_ED = {"learned", "aged", "blessed"}
BEFORE_ADJECTIVE = set("a an the my your his her our their".split())
# Noun or adjective, and verb, where the lexicon has one of them
NOUN_AND_VERB = {
    "tear": ("tˈɪɹ", "tˈɛɹ"),
    "wind": ("wˈɪnd", "wˈInd"),
    "live": ("lˈIv", "lˈɪv"),
    "close": ("klˈOs", "klˈOz"),
    "dove": ("dˈʌv", "dˈOv"),
    "protest": ("pɹˈOtˌɛst", "pɹətˈɛst"),
    "export": ("ˈɛkspˌɔɹt", "ɪkspˈɔɹt"),
    "impact": ("ˈɪmpˌækt", "ɪmpˈækt"),
    "recount": ("ɹˈikˌWnt", "ɹikˈWnt"),
    "frequent": ("fɹˈikwənt", "fɹikwˈɛnt"),
    "perfume": ("pˈɜɹfjˌum", "pəɹfjˈum"),
    "transfer": ("tɹˈænsfəɹ", "tɹænsfˈɜɹ"),
    "upgrade": ("ˈʌpɡɹˌAd", "ʌpɡɹˈAd"),
    "combat": ("kˈɑmbˌæt", "kəmbˈæt"),
    "ally": ("ˈælˌI", "əlˈI"),
    "resume": ("ɹˈɛzəmˌA", "ɹəzˈum"),
    "torment": ("tˈɔɹmˌɛnt", "tɔɹmˈɛnt"),
}
NOUN_AND_VERB |= {
    word + "s": (noun + ("s" if word[-1] in "t" else "z"), verb + ("s" if word[-1] in "t" else "z"))
    for word, (noun, verb) in NOUN_AND_VERB.items()
    if word[-1] in "trdln"
}
# Before these, number and does are the comparative of numb and the plural of doe.
BEFORE_NUMBER = set(
    "grew grow growing get got getting went became become becoming felt feel".split()
)
BEFORE_DOES = set("the two three several many these those some bucks and".split())
