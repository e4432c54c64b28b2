"""Every point of the contract has its tests, and the page of the documentation names them."""

from pathlib import Path

import pytest
from checklist import POINTS, letter, markdown, named, shown

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "conformance.md"


@pytest.mark.parametrize("point", POINTS)
def test_every_point_is_tested(point):
    assert shown(TESTS)[point]


def test_tests_are_named_after_the_right_part():
    assert [(part, point) for part, point in named(TESTS) if letter(point) != part] == []


def test_the_page_names_the_tests_there_are():
    assert PAGE.read_text("utf-8") == markdown(TESTS)
