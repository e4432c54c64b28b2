"""The Wikipedia tool: finds the article, asks back when there are several, says two sentences of it, and more when asked to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import HttpError, NoAnswerError, ToolError
from wyoming_servers.shared.tool import Home, Phrases, Tool, ToolContext, ToolResult, argument

from .kiwix import Kiwix
from .online import Online
from .source import Hit, Page, Source
from .text import plain, qualifier, similar, without_qualifier

_SENTENCES = 2
_LONG_CHARS = 320
"""One sentence of this length is enough: about 20 seconds."""
_MOST_CHOICES = 3
_MOST_HISTORY = 20


class WikipediaTool(Tool):
    """Says in two sentences what Wikipedia tells about a person, place or thing; "tell me more" goes on.

    Asked is the Wikipedia of the user's language (text under CC BY-SA 4.0), or a copy of it in the house: `kiwix-serve` with a ZIM file
    from library.kiwix.org, `kiwix-serve --port 8080 wikipedia_en_top_nopic.zim` for example, and `kiwix_url: http://HOST:8080`. Then
    nothing leaves the house for what is in it; the file's name tells whether it has all articles or the best, with or without pictures.
    What is looked up is the name that was asked for; Wikipedia learns it together with the house's address.
    """

    name = "wikipedia"
    description = "Looks up who or what a person, place or thing is, in an encyclopaedia."
    intents = {"EarshotWikipedia": {}}
    deadline_s = 9.0

    @dataclass(frozen=True)
    class Args:
        """What is asked for."""

        subject: str = argument("", "what to look up: a name or a term")
        which: str = argument("", "which of several things of that name, such as planet")
        more: bool = argument(False, "true goes on with what was not said yet")

    @dataclass(frozen=True)
    class Options:
        """Where to look."""

        source: str = argument(
            "auto",
            "auto: the copy in the house if there is one, and Wikipedia for what is not in it; kiwix: only the copy; "
            "online: Wikipedia, and the copy when Wikipedia cannot be reached",
            choices=("auto", "kiwix", "online"),
        )
        kiwix_url: str = argument("", "address of a kiwix-serve, such as http://HOST:8080; empty means none")
        kiwix_book: str = argument("", "its book to look in; empty means its largest Wikipedia of the language")
        uri: str = argument("https://{language}.wikipedia.org", "address of Wikipedia, {language} being the language's code")
        timeout_s: float = argument(2.5, "seconds to wait for each answer", minimum=0.1, maximum=30)

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        online = Online(home.http, options.uri, options.timeout_s)
        copies = [Kiwix(home.http, options.kiwix_url, options.kiwix_book, options.timeout_s)] if options.kiwix_url else []
        self._sources: Sequence[Source] = {"auto": [*copies, online], "kiwix": copies, "online": [online, *copies]}[options.source]

    @property
    def able(self) -> bool:
        """One of the places it looks in may be asked."""
        uris = {"wikipedia": self.options.uri.replace("{language}", "en"), "kiwix": self.options.kiwix_url}
        return any(self.home.http.allows(uris[source.name]) for source in self._sources)

    async def start(self) -> None:
        """Raises: ToolError when only the copy may be asked and there is none."""
        if not self._sources:
            raise ToolError("handle.tools.wikipedia: source is kiwix, but kiwix_url is empty")

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Two sentences, or a question.

        Raises: NoAnswerError when nothing was found, or nobody could be asked.
        """
        phrases = context.phrases
        subject = args.subject.strip()
        if not subject:
            return ToolResult(phrases.say("about_what"), ask="subject")
        if subject.casefold().split()[0] in phrases.items("not_looked_up"):
            raise NoAnswerError(phrases.say("unknown"))
        problem: HttpError | None = None
        for source in self._sources:
            try:
                if result := await self._ask(source, subject, args, context):
                    return result
            except HttpError as err:
                problem = problem or err
        if problem is None:
            raise NoAnswerError(phrases.say("not_found", subject=subject))
        raise NoAnswerError(phrases.say("offline" if problem.offline else "unusable")) from problem

    async def _ask(self, source: Source, subject: str, args: Any, context: ToolContext) -> ToolResult | None:
        """What one source says; None when it knows nothing."""
        language = context.language
        hits = await source.search(subject, language)
        hit = _best(hits, subject)
        page = await source.page(hit, language, whole=args.more) if hit else None
        if page is None:
            return None
        if page.ambiguous:
            choices = _choices([*hits, *await source.titles(subject, language)], subject)
            if len(choices) > 1 and not args.which:
                return _question(subject, choices, context.phrases)
            chosen = _chosen(choices, args.which)
            if chosen is None and args.which:
                chosen = _best(await source.search(f"{subject} {args.which}", language), subject)
            page = await source.page(chosen, language, whole=args.more) if chosen else None
        if page is None or page.ambiguous or not page.text:
            return None
        speech = self._more(page, context) if args.more else _shortened(context.phrases.sentences(page.text))
        if not speech:
            return None
        return ToolResult(speech, {"title": page.title, "source": source.name})

    def _more(self, page: Page, context: ToolContext) -> str:
        """The sentences after those that were said."""
        phrases = context.phrases
        said: list[str] = []
        for turn in list(reversed(context.history))[:_MOST_HISTORY]:
            if turn.tool != self.name:
                continue
            said += phrases.sentences(turn.answer)
            if not turn.slots.get("more"):
                break
        rest = [sentence for sentence in phrases.sentences(page.text)[len(said) or _SENTENCES :] if sentence not in said]
        return _shortened(rest) if rest else phrases.say("no_more", subject=page.title)


def _best(hits: Sequence[Hit], subject: str) -> Hit | None:
    """The article that is called so, or the first one that is about it; None when a search found only what has some word in common."""
    exact = (hit for hit in hits if plain(subject) in (plain(hit.title), plain(hit.also)))
    return next(exact, None) or next((hit for hit in hits if _fits(hit, subject)), None)


def _fits(hit: Hit, subject: str) -> bool:
    name = without_qualifier(hit.title)
    if similar(name, subject) or similar(hit.also, subject):
        return True
    wanted, title = _words(subject), _words(name)
    about = title | _words(qualifier(hit.title)) | _words(hit.description) | _words(hit.also)
    return (bool(title) and title <= wanted and 2 * len(title) >= len(wanted)) or (bool(wanted) and wanted <= about)


def _words(text: str) -> set[str]:
    """The words that matter: articles and prepositions are short."""
    return {word for word in plain(text).split() if len(word) > 3 or word.isdecimal()}


def _choices(hits: Sequence[Hit], subject: str) -> list[Hit]:
    """What may be meant by an ambiguous name: things that are told apart in brackets, before longer names."""
    kept = {hit.title: hit for hit in hits if plain(hit.title) != plain(subject)}
    named = [hit for hit in kept.values() if plain(without_qualifier(hit.title)) == plain(subject)]
    longer = [hit for hit in kept.values() if hit not in named and plain(subject) in plain(hit.title)]
    return (named if len(named) > 1 else [*named, *longer])[:_MOST_CHOICES]


def _chosen(choices: Sequence[Hit], which: str) -> Hit | None:
    """The one that is meant: by its number or its name; the only one, when there is one only."""
    if not which:
        return choices[0] if len(choices) == 1 else None
    if which.isdecimal():
        return choices[min(int(which), len(choices)) - 1] if int(which) and choices else None
    wanted = plain(which)
    for hit in choices:
        label = plain(qualifier(hit.title) or hit.title)
        if label in wanted or wanted in label or similar(label, wanted):
            return hit
    return None


def _question(subject: str, choices: Sequence[Hit], phrases: Phrases) -> ToolResult:
    labels = []
    for hit in choices:
        what = qualifier(hit.title)
        labels.append(phrases.say("choice", title=without_qualifier(hit.title), what=what) if what else hit.title)
    options = phrases.say("or", first=", ".join(labels[:-1]), last=labels[-1])
    return ToolResult(phrases.say("which", subject=subject, options=options), {"choices": [hit.title for hit in choices]}, ask="which")


def _shortened(sentences: Sequence[str]) -> str:
    """One long sentence, or two."""
    count = 1 if sentences and len(sentences[0]) > _LONG_CHARS else _SENTENCES
    return " ".join(sentences[:count])
