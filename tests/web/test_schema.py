"""The OpenAPI document, asked from end to end by schemathesis: no 5xx, and every answer is as the document says."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mien.shop import create
from mien.testing.world import world
from mien.web.access import ACCESS
from mien.web.app import create_app
from mien.web.document import SCHEMES

EXAMPLES = 20
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
HIDDEN = {"GET /docs", "GET /docs/oauth2-redirect", "GET /redoc", "GET /openapi.json"}
ASKED = {
    entry for entry in set(ACCESS) - HIDDEN if not entry.startswith("OPTIONS") and len(entry.rpartition("/")[2]) > 1
}
Serve = Callable[..., AbstractContextManager[str]]


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.name)
def test_no_question_is_an_error_of_the_server(tmp_path: Path, serving: Serve, mode: GenerationMode) -> None:
    toy, asked = world(), set()
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        with serving(shop) as url:
            schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
            for found in schema.get_all_operations():
                operation = found.ok()

                @settings(
                    max_examples=EXAMPLES,
                    derandomize=True,
                    database=None,
                    deadline=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(operation.as_strategy(generation_mode=mode))
                def ask(case: Case) -> None:
                    case.call_and_validate(checks=CHECKS)

                asked.add(operation.label)
                if mode == GenerationMode.POSITIVE or operation.body or list(operation.iter_parameters()):
                    ask()
    assert asked == ASKED


def test_the_document_names_keys_and_errors(tmp_path: Path) -> None:
    with create(tmp_path / "shop") as shop:
        document = create_app(shop).openapi()
    assert set(document["components"]["securitySchemes"]) == set(SCHEMES)
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            needs = ACCESS[f"{method.upper()} {path}"]
            assert ("security" in operation) is (needs != "open")
            assert "422" not in operation["responses"]
            for status, answer in operation["responses"].items():
                if status != "200":
                    (content,) = answer["content"].values()
                    assert content["schema"]["$ref"].endswith("/Error"), (path, status)
