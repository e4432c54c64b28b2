"""Wikipedia and kiwix-serve for tests: answers in the shapes of their documentation, cut down to what articles about few things need."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from web_services import Asked, WebService, serving

EINSTEIN = (
    "Albert Einstein (14 March 1879 – 18 April 1955) was a German-born theoretical physicist who is best known for developing the theory "
    "of relativity. Einstein also made important contributions to quantum mechanics. His mass–energy equivalence formula has been called "
    '"the world\'s most famous equation".'
)
EINSTEIN_MORE = (
    "Albert Einstein (14 March 1879 – 18 April 1955) was a German-born theoretical physicist who is best known for developing the theory "
    "of relativity. Einstein also made important contributions to quantum mechanics. His mass–energy equivalence formula has been called "
    '"the world\'s most famous equation". He received the Nobel Prize in Physics in 1921.\n'
    "Born in the German Empire, Einstein moved to Switzerland in 1895."
)
EINSTEIN_DE = (
    "Albert Einstein (* 14. März 1879 in Ulm; † 18. April 1955 in Princeton, New Jersey) war ein schweizerisch-US-amerikanischer "
    "theoretischer Physiker deutscher Herkunft. Er gilt als einer der bedeutendsten Physiker der Wissenschaftsgeschichte. "
    "Seine Forschungen zur Struktur von Materie, Raum und Zeit veränderten das physikalische Weltbild."
)
PAGES: dict[str, tuple[str, str, str]] = {
    # title: description, type, extract
    "Albert Einstein": ("German-born theoretical physicist (1879–1955)", "standard", EINSTEIN),
    "Einstein family": ("Family of Albert Einstein", "standard", "The Einstein family is the family of Albert Einstein."),
    "Mercury": ("Topics referred to by the same term", "disambiguation", "Mercury most commonly refers to:"),
    "Mercury (planet)": ("First planet from the Sun", "standard", "Mercury is the first planet from the Sun. It is a rocky planet."),
    "Mercury (element)": ("Chemical element", "standard", "Mercury is a chemical element; it has symbol Hg and atomic number 80."),
    "Mercury (mythology)": (
        "Roman god",
        "standard",
        "Mercury (/ˈmɜːrkjʊri/; Latin: Mercurius [mɛrˈkʊrijʊs]) is a Roman god.",
    ),
    "Egg as food": ("Edible animal product", "standard", "Humans have eaten eggs for thousands of years."),
    "AC/DC": ("Australian rock band", "standard", "AC/DC are an Australian rock band formed in Sydney in 1973."),
    "Canberra": ("Capital city of Australia", "standard", "Canberra is the capital city of Australia."),
}
FOUND = {
    "albert einstein": ("Einstein family", "Albert Einstein"),
    "albert einstine": ("Albert Einstein",),
    "mercury": ("Mercury", "Mercury (planet)", "Mercury (element)"),
    "mercury god": ("Mercury (mythology)",),
    "good way to cook eggs": ("Egg as food",),
    "ac dc": ("AC/DC",),
    "capital of australia": ("Canberra",),
}
BOOK = "wikipedia_en_all_nopic_2026-08"
CATALOGUE = f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opds="https://specs.opds.io/opds-1.2">
  <id>a</id><title>All Entries</title>
  <entry><title>Medicine</title><language>eng</language><name>wikipedia_en_medicine</name><articleCount>70000</articleCount>
    <link type="text/html" href="/content/wikipedia_en_medicine_2026-01" /></entry>
  <entry><title>Wikipedia</title><language>eng</language><name>wikipedia_en_all</name><articleCount>7000000</articleCount>
    <link rel="http://opds-spec.org/image/thumbnail" href="/catalog/v2/illustration/1/?size=48&x=1" type="image/png;width=48"/>
    <link type="text/html" href="/content/{BOOK}" /></entry>
  <entry><title>Wikipedia</title><language>pol</language><name>wikipedia_pl_all</name><articleCount>8000000</articleCount>
    <link type="text/html" href="/content/wikipedia_pl_all_2026-01" /></entry>
  <entry><title>Recipes</title><language>eng</language><name>recipes</name><articleCount>9000000</articleCount>
    <link type="text/html" href="/content/recipes_en_2026-01" /></entry>
</feed>"""
RESULTS = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"><channel>
  <title>Search: physicist relativity</title><link>/search?pattern=physicist</link>
  <opensearch:totalResults>1</opensearch:totalResults>
  <item><title>Albert Einstein &amp; relativity</title><link>/content/{BOOK}/A/Albert_Einstein</link>
    <description>... <b>relativity</b> ...</description><book><title>Wikipedia</title></book><wordCount>15,000</wordCount></item>
</channel></rss>"""
ARTICLE = """<!DOCTYPE html><html><head><title>Albert Einstein</title><style>p {color: red}</style></head>
<body class="mw-body"><h1>Albert Einstein</h1>
<div class="hatnote">"Einstein" redirects here.</div>
<table class="infobox"><tr><td><p>Born 14 March 1879</p></td></tr></table>
<p class="mw-empty-elt"> </p>
<p><b>Albert Einstein</b><sup class="reference">[1]</sup> (<span class="IPA">/ˈaɪnstaɪn/</span>; 14&nbsp;March 1879) was a
physicist&nbsp;&amp; pacifist.<sup>[2]</sup> He developed the theory of relativity. He played the violin.</p>
<p>He was born in Ulm.</p>
<h2>Life</h2><p>He grew up in Munich.</p></body></html>"""
LIST = """<html><head><title>Mercury</title></head><body><p><b>Mercury</b> most commonly refers to:</p><ul><li>a planet</li></ul></body>"""


@contextmanager
def wikipedia() -> Iterator[WebService]:
    """Wikipedia in English under /en and in German under /de."""
    with serving(WebService()) as service:
        service.reply("/en/w/rest.php/v1/search/page", _search)
        service.reply("/en/w/rest.php/v1/search/title", _titles)
        service.reply("/en/w/api.php", _extract)
        for title, page in PAGES.items():
            service.reply(f"/en/api/rest_v1/page/summary/{title.replace(' ', '_')}", _summary(title, *page))
        service.reply("/de/w/rest.php/v1/search/page", {"pages": [_hit("Albert Einstein")]})
        service.reply("/de/api/rest_v1/page/summary/Albert_Einstein", _summary("Albert Einstein", "Physiker", "standard", EINSTEIN_DE))
        yield service


@contextmanager
def kiwix() -> Iterator[WebService]:
    """A kiwix-serve with three books."""
    with serving(WebService()) as service:
        service.reply("/catalog/v2/entries", CATALOGUE)
        service.reply("/suggest", _suggest)
        service.reply("/search", RESULTS)
        service.reply(f"/content/{BOOK}/A/Albert_Einstein", ARTICLE)
        service.reply(f"/content/{BOOK}/A/Mercury", LIST)
        service.reply(f"/content/{BOOK}/A/Mercury_(planet)", "<p>Mercury is the first planet from the Sun.</p>")
        yield service


def _hit(title: str) -> dict[str, Any]:
    key = title.replace(" ", "_")
    return {
        "id": len(title),
        "key": key,
        "title": title,
        "excerpt": "",
        "matched_title": None,
        "description": PAGES[title][0],
        "thumbnail": None,
    }


def _search(asked: Asked) -> dict[str, Any]:
    return {"pages": [_hit(title) for title in FOUND.get(asked.query["q"].casefold(), ())]}


def _titles(asked: Asked) -> dict[str, Any]:
    return {"pages": [_hit(title) for title in PAGES if title.casefold().startswith(asked.query["q"].casefold())]}


def _summary(title: str, description: str, kind: str, extract: str) -> dict[str, Any]:
    titles = {"canonical": title.replace(" ", "_"), "normalized": title, "display": f"<span>{title}</span>"}
    return {"type": kind, "title": title, "titles": titles, "pageid": 1, "lang": "en", "description": description, "extract": extract}


def _extract(asked: Asked) -> dict[str, Any]:
    title = asked.query["titles"]
    text = EINSTEIN_MORE if title == "Albert Einstein" else PAGES[title][2]
    return {"batchcomplete": True, "query": {"pages": [{"pageid": 1, "ns": 0, "title": title, "extract": text}]}}


def _suggest(asked: Asked) -> list[dict[str, str]]:
    assert asked.query["content"] == BOOK
    term = asked.query["term"].casefold()
    titles = ("Albert Einstein", "Mercury", "Mercury (planet)", "Mercury (element)")
    found = [
        {"value": title, "label": f"&lt;b&gt;{title}&lt;/b&gt;", "kind": "path", "path": f"A/{title.replace(' ', '_')}"}
        for title in titles
        if title.casefold().startswith(term)
    ]
    return [*found, {"value": term, "label": f"containing '{term}'...", "kind": "pattern"}]
