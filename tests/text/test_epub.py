"""EPUBs: chapters in the order of the spine, only what is to be spoken, no harm from bad ones."""

import time

import pytest

from cosyvoice.text import epub as epubs
from cosyvoice.text.epub import DocumentText, read_epub
from cosyvoice.text.manuscript import read_manuscript
from cosyvoice.utils.errors import ManuscriptError
from tests.support.epub_files import epub


def chapters(content: bytes) -> list[tuple[str, str]]:
    return read_epub(content)[1]


def test_chapters_follow_the_spine_with_the_titles_of_the_contents():
    content = epub(
        {"b.xhtml": "<h1>风起</h1><p>第一句。</p>", "a.xhtml": "<p>第二句。</p>"},
        nav={"a.xhtml": "云涌", "b.xhtml": "风起"},
    )
    assert chapters(content) == [("风起", "风起\n第一句。"), ("云涌", "云涌\n第二句。")]
    assert read_manuscript(content, "x.epub").title == "山风"


def test_an_older_table_of_contents_gives_titles_too():
    content = epub(
        {"a.html": "<p>One.</p>", "b.html": "<p>Two.</p>"}, ncx={"a.html": "I", "b.html": "II"}
    )
    assert chapters(content) == [("I", "I\nOne."), ("II", "II\nTwo.")]


def test_one_document_may_hold_several_chapters_and_a_chapter_several_documents():
    content = epub(
        {
            "all.xhtml": "<p>Front.</p><h2 id='c1'>One</h2><p>A.</p><h2 id='c2'>Two</h2><p>B.</p>",
            "rest.xhtml": "<p>C.</p>",
        },
        nav={"all.xhtml#c1": "One", "all.xhtml#c2": "Two"},
    )
    assert chapters(content) == [("", "Front."), ("One", "One\nA."), ("Two", "Two\nB.\nC.")]


def test_without_contents_headings_are_the_titles():
    content = epub({"a.xhtml": "<h2>A <i>b</i></h2><p>One.</p>", "b.xhtml": "<p>Two.</p>"})
    assert chapters(content) == [("A b", "A b\nOne."), ("", "Two.")]


@pytest.mark.parametrize(
    "body",
    [
        "<script>if (a < b) say('no')</script><p>Yes.</p>",
        "<style>p > a {}</style><p>Yes.</p>",
        "<p>Yes.<a epub:type='noteref' href='#n'>1</a></p><aside epub:type='footnote'>no</aside>",
        "<p>Yes.<sup role='doc-noteref'>1</sup></p><div role='doc-endnotes'><div>no</div>no</div>",
        "<nav epub:type='toc'><ol><li>no</li></ol></nav><p>Yes.</p>",
        "<p><span epub:type='pagebreak'>12</span>Yes.</p>",
        "<p hidden='hidden'>no</p><p>Yes.</p><svg><text>no</text></svg>",
        "<!-- no <p>no</p> --><p><![CDATA[Yes.]]></p>",
        '<p title="a > b">Yes&#46;</p>',
        "<p>Y<ruby>es<rp>(</rp><rt>no</rt><rp>)</rp></ruby>.</p>",
    ],
)
def test_only_what_is_to_be_spoken_is_read(body):
    assert chapters(epub({"a.xhtml": body})) == [("", "Yes.")]


def test_a_document_beside_the_reading_order_is_left_out():
    content = epub(
        {"a.xhtml": "<p>Yes.</p>", "notes.xhtml": "<p>no</p>"}, linear={"notes.xhtml": "no"}
    )
    assert chapters(content) == [("", "Yes.")]


def test_entities_of_a_document_are_not_expanded():
    bomb = '<!DOCTYPE x [<!ENTITY a "no"><!ENTITY b "&a;&a;">]><p>&b;Yes &amp; no.</p>'
    assert chapters(epub({"a.xhtml": bomb}))[0][1].endswith("&b;Yes & no.")


PROTECTED = (
    "<encryption><EncryptedData><CipherData><CipherReference URI='OEBPS/{}'/>"
    "</CipherData></EncryptedData></encryption>"
)


def broken(content: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new) and old in content
    return content.replace(old, new)


GOOD = epub({"a.xhtml": "<p>Yes.</p>"})


@pytest.mark.parametrize(
    "content, why",
    [
        (b"PK\x03\x04 and no more", "archive is damaged"),
        (GOOD[:-40], "archive is damaged"),
        (broken(GOOD, b"META-INF/container.xml", b"META-INF/containex.xml"), "is missing in it"),
        (epub({}), "names no chapters"),
        (
            epub({"a.xhtml": "no"}, extra={"META-INF/encryption.xml": PROTECTED.format("a.xhtml")}),
            "encrypted",
        ),
        (epub({"a.xhtml": "<p/>"}), "no text in it"),
    ],
)
def test_a_bad_file_says_why(content, why):
    with pytest.raises(ManuscriptError, match=why):
        read_manuscript(content, "book.epub")


def test_an_encrypted_archive_is_refused():
    encrypted = bytearray(GOOD)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flags of each file
        at = -1
        while (at := encrypted.find(mark, at + 1)) >= 0:
            encrypted[at + place] |= 1
    with pytest.raises(ManuscriptError, match="encrypted"):
        read_epub(bytes(encrypted))


def test_disguised_fonts_do_not_matter():
    extra = {"META-INF/encryption.xml": PROTECTED.format("font.otf")}
    assert chapters(epub({"a.xhtml": "<p>Yes.</p>"}, extra=extra)) == [("", "Yes.")]


def test_an_archive_that_unpacks_to_far_more_is_refused(monkeypatch):
    monkeypatch.setattr(epubs, "MAX_FILE_BYTES", 100_000)
    bomb = epub({"a.xhtml": "<p>" + "a" * 200_000})
    assert len(bomb) < 5000
    with pytest.raises(ManuscriptError, match="too much text"):
        read_epub(bomb)


def test_an_archive_of_very_many_files_is_refused(monkeypatch):
    monkeypatch.setattr(epubs, "MAX_FILES", 50)
    with pytest.raises(ManuscriptError, match="more than 50 files"):
        read_epub(epub({f"{n}.xhtml": "<p>a</p>" for n in range(60)}))


def test_names_that_leave_the_archive_lead_nowhere():
    content = epub({"../../../../../etc/passwd": "no"})
    with pytest.raises(ManuscriptError, match="is missing in it"):
        read_epub(content)


@pytest.mark.parametrize(
    "part", ["<", "<a", "<a ", "<!--", "<![CDATA[", "&", "</", "<p x='", '<p "', "<rt>", "</p>"]
)
def test_time_grows_with_the_length_whatever_is_in_it(part):
    begin = time.process_time()
    list(DocumentText(part * (200_000 // len(part)), {}).sections())
    assert time.process_time() - begin < 5  # the square of the length would take minutes
