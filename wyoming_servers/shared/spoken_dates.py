"""Dates and times in a sentence, said in words."""

import re
from collections.abc import Callable, Iterable

from .number_words import Language, NumberWords

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
"""What is replaced in a sentence, and by what."""
YEAR = r"(?:1[1-9]|20)\d\d"
_BEFORE = r"(?:(?P<before>[^\W\d]+)(?P<blank> ))?"
_NOT_IN_A_NUMBER = r"(?<![\w.,:/-])"


class SpokenDates:
    """The rules of one language; numbers that are no date are left alone."""

    def __init__(self, tag: str, words: NumberWords) -> None:
        """tag: BCP 47; the region decides how 3/4/2026 is read."""
        self._words = words
        self._language = words.language
        self._order = _date_order(tag, self._language)
        self._months = months(self._language)

    def rules(self) -> list[Rule]:
        """In the order in which they must be applied."""
        return [*self._date_rules(), *self._time_rules()]

    def _date_rules(self) -> list[Rule]:
        language = self._language
        month = f"(?P<name>{any_of(self._months, words=True)})"
        of = f"(?:{language.of} )?" if language.of else ""
        mark = f"(?:{any_of(language.day_marks)})" if language.day_marks else ""
        mark += "?" if mark and not language.day_mark_needed else ""
        day, year = r"(?P<day>\d\d?)", rf"(?P<year>{YEAR})(?!\d|[.,:]\d)"
        sign = f"(?P<sign>[{re.escape(language.numeric_date_signs)}])"
        first, second = r"(?P<first>\d\d?)", r"(?P<second>\d\d?)"
        patterns = [
            r"(?<![\w-])(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?![\w-])",
            rf"{_BEFORE}(?<![\w.,/-]){day}{mark} {of}{month}(?:,? {of}{year})?(?!\w)",
            rf"{_BEFORE}(?<![\w.,/-]){first}{sign}{second}(?P=sign)(?P<year>\d{{4}})(?![\w/-]|\.\d)",
        ]
        if language.month_first:
            patterns.append(rf"{month} {day}{mark}(?:,? {year})?(?![\w°%]|[.,:-]\d| [ap]\.?m\b)")
        if language.day_mark_needed:
            before = f"(?P<before>(?i:{any_of(language.date_endings, words=True)}))(?P<blank> )"
            patterns.append(rf"{before}{first}\.{second}\.(?!\d)")
        return [(re.compile(pattern), self._date) for pattern in patterns]

    def _date(self, match: re.Match[str]) -> str:
        parts = match.groupdict()
        if parts.get("first"):
            first, second = int(parts["first"]), int(parts["second"])
            order = self._order or ("dmy" if first > 12 else "mdy" if second > 12 else "")
            if not order:
                return match[0]
            day, month = (first, second) if order == "dmy" else (second, first)
        else:
            day = int(parts["day"])
            month = self._months[parts["name"]] if parts.get("name") else int(parts["month"])
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return match[0]
        before = parts.get("before") or ""
        day_first = bool(parts.get("name")) and match.start("day") < match.start("name")
        said = self._said_date(day, month, int(parts["year"]) if parts.get("year") else None, before, day_first)
        return f"{before}{parts.get('blank') or ''}{said}"

    def _said_date(self, day: int, month: int, year: int | None, before: str, day_first: bool) -> str:
        language = self._language
        template = language.date_day_first if day_first and language.date_day_first else language.date
        if year is None:
            template = template[
                : max(template.find("}", template.find(name)) for name in ("{month", "{day", "{ordinal") if name in template) + 1
            ]
        if before.lower() == "the":
            template = template.removeprefix("the ")
        endings = language.date_endings
        ending = endings.get(before.lower(), endings.get("", ""))
        plain = language.first_day if day == 1 and language.first_day else self._words.number(str(day))
        values = {"day": plain, "month": language.months[month - 1].split()[0], "year": self._words.year(year) if year else ""}
        return template.format(ordinal=self._words.ordinal(day, ending), **values)

    def _time_rules(self) -> list[Rule]:
        time, language = self._language.time, self._language
        hour, minute = rf"{_NOT_IN_A_NUMBER}(?P<hour>[01]?\d|2[0-4])", r"(?P<minute>[0-5]\d)"
        half = f"(?P<half> ?(?:{any_of(language.halves)})(?!\\w))" if language.halves else ""
        swallow = f"(?: (?:{time['swallow']})(?!\\w))" if time.get("swallow") else ""
        end = r"(?![\w:/%°]|[.,]\d)"
        behind = f"(?:{half or swallow})?" if half or swallow else ""
        patterns = [f"{hour}:{minute}{behind}{end}"]
        if time.get("dot") and swallow:
            patterns.append(rf"{hour}\.{minute}{swallow}{end}")
        if time.get("h"):
            patterns.append(f"{hour} ?h ?{minute}{end}")
        if half:
            patterns.append(f"{hour}{half}")
        span = re.compile(r"(?<=:\d\d|\d[ap]m)\s?[-–—]\s?(?=\d\d?(?::\d\d|\s?[ap]m))", re.IGNORECASE), lambda _: f" {language.to} "
        return [span, *((re.compile(pattern, re.IGNORECASE), self._time) for pattern in patterns)]

    def _time(self, match: re.Match[str]) -> str:
        time, parts = self._language.time, match.groupdict()
        hour, minute = int(parts["hour"]), int(parts.get("minute") or 0)
        half = (parts.get("half") or "").strip()
        if (hour == 24 and minute) or (half and not 1 <= hour <= 12):
            return match[0]
        said = self._words.number(str(hour), time.get("gender", "cardinal"))
        if "hours" in time:
            said = f"{said} {time['hours'][hour > 1]}"
        if minute:
            template = time["early"] if minute < 10 and "early" in time else time["past"]
            said = template.format(hour=said, minute=self._words.number(str(minute)))
        elif not half:
            said = self._full_hour(hour).format(hour=said)
        return f"{said} {half}" if half else said

    def _full_hour(self, hour: int) -> str:
        time = self._language.time
        if hour in (0, 24) and "midnight" in time:
            return time["midnight"]
        return time["full"] if 1 <= hour <= 12 else time.get("full_24", time["full"])


def months(language: Language) -> dict[str, int]:
    """Every spelling of a month → its number."""
    found = {}
    for number, names in enumerate(language.months, 1):
        for place, name in enumerate(names.split()):
            for spelling in (name, f"{name}.") if place else (name,):
                found[spelling] = found[spelling.capitalize()] = number
    return found


def any_of(texts: Iterable[str], *, words: bool = False) -> str:
    """A pattern that takes the longest of the texts; `words`: not in the middle of a word."""
    listed = "|".join(re.escape(text) for text in sorted(filter(None, texts), key=len, reverse=True))
    return f"(?<!\\w)(?:{listed})" if words else listed


def _date_order(tag: str, language: Language) -> str:
    wanted = tag.lower().replace("_", "-")
    for order, tags in language.numeric_dates.items():
        if any(wanted == known.lower() or wanted.startswith(f"{known.lower()}-") for known in tags):
            return order
    return ""
