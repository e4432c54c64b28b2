"""A copy of Wikipedia in the house, served by kiwix-serve. https://kiwix-tools.readthedocs.io/en/latest/kiwix-serve.html"""

import html
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from urllib.parse import quote, unquote

from wyoming_servers.shared.errors import HttpError
from wyoming_servers.shared.tool import Fetched, Http

from .source import Hit, Page, Source
from .text import Introduction

_MOST_FOUND = "8"
_BOOKS_KEPT_S = 3600.0
_LONGEST_LIST_HEAD = 250  # "Mercury may refer to:" and what else stands before such a list


class Kiwix(Source):
    """The articles of one kiwix-serve. Nothing leaves the house."""

    name = "kiwix"

    def __init__(self, http: Http, uri: str, book: str, timeout_s: float) -> None:
        """book: the one to ask; empty means the largest Wikipedia of the language."""
        self._http = http
        self._uri = uri.rstrip("/")
        self._book = book
        self._timeout_s = timeout_s

    async def search(self, subject: str, language: str) -> list[Hit]:
        """By their titles; when no title fits, by what the articles say."""
        if found := await self.titles(subject, language):
            return found
        book = await self._find_book(language)
        params = {"content": book, "pattern": subject, "format": "xml", "pageLength": _MOST_FOUND}
        try:
            results = _Results.of(await self._get("/search", f"articles about {subject}", params, _Results.of))
        except HttpError as err:
            if err.status in (400, 404):  # a book without an index of its words
                return []
            raise
        return [Hit(title, _path(link, book)) for title, link in results.found]

    async def titles(self, beginning: str, language: str) -> list[Hit]:
        """By the index of titles."""
        book = await self._find_book(language)
        params = {"content": book, "term": beginning, "count": _MOST_FOUND}
        return _suggested(await self._get("/suggest", f"articles about {beginning}", params, _suggested))

    async def page(self, hit: Hit, language: str, *, whole: bool) -> Page | None:
        """An article's introduction, all of it in any case."""
        book = await self._find_book(language)
        try:
            fetched = await self._get(f"/content/{quote(book, safe='')}/{quote(hit.key)}", f"an article about {hit.title}", {})
        except HttpError as err:
            if err.status == 404:
                return None
            raise
        introduction = Introduction.of(fetched.text())
        text = " ".join(introduction.paragraphs)
        head = introduction.paragraphs[0] if introduction.paragraphs else ""
        return Page(hit.title, text, len(head) < _LONGEST_LIST_HEAD and head.endswith(":"))

    async def _find_book(self, language: str) -> str:
        if self._book:
            return self._book
        params = {"count": "-1"}  # by its own list of languages it would want ISO 639-3
        books = _Catalogue.of(await self._get("/catalog/v2/entries", "which books there are", params, _Catalogue.of, _BOOKS_KEPT_S)).books
        wikipedias = [(articles, name) for name, articles in books.items() if f"wikipedia_{language}_" in name]
        if not wikipedias:
            raise HttpError(f"{self._uri} has no Wikipedia in {language}", status=404)
        return max(wikipedias)[1]

    async def _get(
        self,
        path: str,
        why: str,
        params: Mapping[str, str],
        check: Callable[[Fetched], object] | None = None,
        keep_s: float = 0.0,
    ) -> Fetched:
        url = self._uri + path
        return await self._http.get(url, why=why, params=params, timeout_s=self._timeout_s, keep_s=keep_s, check=check)


class _Catalogue(HTMLParser):
    """The books of an OPDS feed. kiwix-serve writes some addresses in it that strict readers of XML refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.books: dict[str, int] = {}
        """Book as it stands in addresses → how many articles."""
        self._tag = ""
        self._articles = 0
        self._is_feed = False

    @classmethod
    def of(cls, fetched: Fetched) -> "_Catalogue":
        """Raises: HttpError when it is none."""
        reader = cls()
        reader.feed(fetched.text())
        reader.close()
        if not reader._is_feed:
            raise _useless()
        return reader

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An entry begins, or tells its address."""
        self._tag = tag
        values = dict(attrs)
        if tag == "feed":
            self._is_feed = True
        elif tag == "entry":
            self._articles = 0
        elif tag == "link" and values.get("type") == "text/html" and values.get("href"):
            self.books[unquote(str(values["href"]).rstrip("/").rpartition("/")[2])] = self._articles

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A link."""
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        """How many articles."""
        if self._tag == "articlecount" and data.strip().isdecimal():
            self._articles = int(data)


class _Results(HTMLParser):
    """The results of a search, as RSS."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        """Title and address."""
        self._item: dict[str, str] | None = None
        self._tag = ""
        self._is_rss = False

    @classmethod
    def of(cls, fetched: Fetched) -> "_Results":
        """Raises: HttpError when it is none."""
        reader = cls()
        # an HTML reader takes <link> for a tag without an end
        reader.feed(fetched.text().replace("<link>", "<address>").replace("</link>", "</address>"))
        reader.close()
        if not reader._is_rss:
            raise _useless()
        return reader

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An item begins, or a part of it; the book it is in has a title too."""
        self._tag = "" if self._item and tag in self._item else tag
        if tag == "rss":
            self._is_rss = True
        elif tag == "item":
            self._item = {}

    def handle_endtag(self, tag: str) -> None:
        """An item ends."""
        self._tag = ""
        if tag == "item" and self._item is not None:
            if self._item.get("title") and self._item.get("address"):
                self.found.append((self._item["title"].strip(), self._item["address"].strip()))
            self._item = None

    def handle_data(self, data: str) -> None:
        """Title or address."""
        if self._item is not None and self._tag in ("title", "address"):
            self._item[self._tag] = self._item.get(self._tag, "") + data


def _suggested(fetched: Fetched) -> list[Hit]:
    """kiwix-serve escapes titles as HTML does, also in JSON."""
    content = fetched.json()
    try:
        return [Hit(html.unescape(str(row["value"])), str(row["path"])) for row in content if row["kind"] == "path"]
    except (KeyError, TypeError) as err:
        raise _useless() from err


def _path(link: str, book: str) -> str:
    """What stands behind the book's name in an address."""
    return unquote(link.partition(f"/{book}/")[2])


def _useless() -> HttpError:
    return HttpError("kiwix-serve did not answer as it should")
