"""A person as a page: all of it, escaped, by itself, in both languages."""

import re
from dataclasses import replace

import pytest

from mien.core.profile import Intent, Profile, Trait
from mien.core.query import Reason
from mien.profiles.read import read
from mien.report.notebook import profile_card
from mien.report.person import profile_page, why
from mien.report.wording import Language
from mien.testing.world import World, world

EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def toy() -> World:
    return world()


@pytest.fixture(scope="module")
def ann(toy: World) -> Profile:
    state = toy.state("ann")
    return read(state, "ann", toy.catalogue, toy.population(), toy.at_us)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_says_what_the_profile_says(ann: Profile, language: Language) -> None:
    page = profile_page(ann, language=language, currency="EUR")
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="', page)
    assert ann.version in page
    for tag in [one for one in ann.tags if one.facet == "brand"]:
        assert f"{tag.lift:.1f}×" in page
    assert ann.value is not None
    assert f"€{ann.value.spend:,.2f}" in page
    assert page.count("<figure>") == 2


def test_the_widest_bar_is_the_heaviest_tag(ann: Profile) -> None:
    page = profile_page(ann)
    brands = [one for one in ann.tags if one.facet == "brand"]
    brands.sort(key=lambda one: -one.weight)
    (table,) = [one for one in re.findall(r"<section><table.*?</section>", page, re.DOTALL) if ">brand<" in one]
    widths = [float(one) for one in re.findall(r"width:([\d.]+)%", table)]
    assert widths == [round(100 * one.weight / brands[0].weight, 1) for one in brands[:8]]


def test_what_people_wrote_is_no_markup(ann: Profile) -> None:
    tags = (replace(ann.tags[0], value=EVIL),)
    intents = (Intent(EVIL, 0.5, "m", (EVIL,)),)
    told = replace(ann, user_id=EVIL, summary=EVIL, tags=tags, traits=(Trait(EVIL, EVIL, "declared"),), intent=intents)
    for shown in (profile_page(told), profile_card(told)):
        assert "<img" not in shown
        assert shown.count("&lt;img") >= 6


def test_who_is_unknown_has_a_page(ann: Profile) -> None:
    page = profile_page(Profile("nobody", ann.version, ann.as_of, 0))
    assert "nobody" in page
    assert "<figure>" not in page


def test_reasons_that_are_shown_add_up() -> None:
    reasons = [Reason("base", "b", 0.5), Reason("tag", "t", 2.0), Reason("x", "x", -0.25), Reason("y", "y", 0.125)]
    told = why([*reasons, Reason("z", "z", 0.0)], "en")
    assert told == "t +2.000 · b +0.500 · x -0.250 · others +0.125"
    assert sum(float(part.rsplit(" ", 1)[1]) for part in told.split(" · ")) == sum(one.contribution for one in reasons)
