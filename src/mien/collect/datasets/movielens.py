"""MovieLens: the 100k files of 1998 (u.data, u.item, u.user) and the CSV files since (ratings.csv, movies.csv)."""

from mien.collect.datasets.dataset import WHERE_FROM, Shelf, Tables
from mien.collect.engine import ident, literal
from mien.collect.mapping import Mapping
from mien.core.event import Action
from mien.core.tables import EVENT, ITEM, USER

_GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
_FILM = ("movie", "title", "release_date", "video_date", "url", *_GENRES)
_RATED: dict[str, tuple[str, ...]] = {
    EVENT.USER_ID: ("userId",),
    EVENT.ITEM_ID: ("movieId",),
    EVENT.AT: ("timestamp",),
    EVENT.RATING: ("rating",),
}


def open_movielens(shelf: Shelf) -> Tables:
    """Ratings as events of the action `rate`; a film's category is its first genre, all genres are an attribute."""
    mapping = Mapping(
        "events", source="movielens", action=Action.RATE, time_format=("unix_s",), map=_RATED, properties=()
    )
    columns = ("userId", "movieId", "rating", "timestamp")
    old = shelf.parts("u.data")
    if not old:
        tables: Tables = {"events": (shelf.main("ratings", columns=columns), mapping)}
        if movies := shelf.table("movies"):
            sql = (
                "SELECT movieId AS movie, title, split_part(genres, '|', 1) AS category, genres,"
                f" {WHERE_FROM} FROM ({movies.relation})"
            )
            tables["items"] = (shelf.derive(sql, movies), _ITEMS)
        return tables
    return _open_100k(shelf, mapping, columns)


_ITEMS = Mapping(
    "items",
    source="movielens",
    map={ITEM.ITEM_ID: ("movie",), ITEM.TITLE: ("title",), ITEM.CATEGORY: ("category",)},
    properties=("genres",),
)


def _open_100k(shelf: Shelf, mapping: Mapping, columns: tuple[str, ...]) -> Tables:
    ratings = shelf.main("u.data", columns=columns, delimiter="\t")
    tables: Tables = {"events": (ratings, mapping)}
    if films := shelf.table("u.item", columns=_FILM, delimiter="|", encoding="latin-1"):
        genres = ", ".join(f"CASE WHEN {ident(genre)} = '1' THEN {literal(genre)} END" for genre in _GENRES)
        sql = (
            f"SELECT movie, title, coalesce({genres}) AS category, concat_ws('|', {genres}) AS genres, {WHERE_FROM}"
            f" FROM ({films.relation})"
        )
        tables["items"] = (shelf.derive(sql, films), _ITEMS)
    if people := shelf.table("u.user", columns=("user", "age", "gender", "occupation", "zip"), delimiter="|"):
        tables["users"] = (people, Mapping("users", source="movielens", map={USER.USER_ID: ("user",)}))
    return tables
