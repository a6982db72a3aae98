"""What the OpenAPI document says beside the routes, by the tables that rule them: keys, errors, messages, answers."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI

from mien.collect.tracking import ID_LENGTH, KINDS
from mien.web.access import Needs
from mien.web.tracking import MANY

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
OBJECT: Final[Schema] = {"type": "object"}
ID: Final[Schema] = {"anyOf": [TEXT, {"type": "number"}]}
TIME: Final[Schema] = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]}

SCHEMES: Final[Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, made by: mien keys add"},
    "basic": {"type": "http", "scheme": "basic", "description": "The key as user name; no password."},
}
COMMON: Final[dict[str, Schema]] = {
    "messageId": {**TEXT, "maxLength": ID_LENGTH, "description": "What the message is known by, for good."},
    "userId": {**ID, "description": "Whose it is."},
    "anonymousId": {**ID, "description": "A visitor's id; beside userId: they are one person."},
    "timestamp": {**TIME, "description": "When it happened; absent: now."},
    "sentAt": {**TIME, "description": "When it was sent, by the sender's clock, to put a wrong clock right."},
    "context": {**OBJECT, "description": "Consents: consent.categoryPreferences, purpose to given or not."},
    "writeKey": {**TEXT, "description": "The key, where no header has it."},
}
"""Fields of every message; whatever else it has is kept or skipped, never an error."""
NAMED: Final[Schema] = {"name": {**TEXT, "description": "Which one."}, "properties": OBJECT}
OF_KIND: Final[dict[str, dict[str, Schema]]] = {
    "track": {
        "event": {**TEXT, "description": "What was done, as Segment's e-commerce events are called."},
        "properties": {**OBJECT, "description": "product_id, price, quantity, query, products, and others."},
    },
    "identify": {"traits": {**OBJECT, "description": "What the user declares."}},
    "page": NAMED,
    "screen": NAMED,
    "group": {"groupId": {**ID, "description": "Which group."}, "traits": OBJECT},
    "alias": {"previousId": {**ID, "description": "Another id of the same person."}},
}
BATCH: Final[Schema] = {
    **OBJECT,
    "required": ["batch"],
    "properties": {
        "batch": {"type": "array", "items": {}, "description": "Messages, each with its type; a bad one stays alone."},
        "sentAt": COMMON["sentAt"],
        "writeKey": COMMON["writeKey"],
    },
}

REASON: Final[Schema] = {
    **OBJECT,
    "required": ["kind", "text", "contribution"],
    "properties": {
        "kind": TEXT,
        "text": TEXT,
        "contribution": {"type": "number"},
        "evidence": {"type": "array", "items": TEXT, "description": "Ids of events."},
    },
}
RESULT: Final[Schema] = {
    **OBJECT,
    "required": ["rank", "item_id", "title", "score", "reasons"],
    "properties": {
        "rank": {"type": "integer", "minimum": 1},
        "item_id": TEXT,
        "title": TEXT,
        "score": {"type": "number", "description": "The sum of the reasons' contributions."},
        "reasons": {"type": "array", "items": REASON},
    },
}
RANKED: Final[Schema] = {
    **OBJECT,
    "required": ["impression_id", "personalised", "took_ms", "total", "results"],
    "properties": {
        "impression_id": TEXT,
        "personalised": {"type": "boolean"},
        "took_ms": {"type": "number"},
        "total": {"type": "integer", "description": "Matches before the cut at k."},
        "facets": {**OBJECT, "description": "Facet to value to how many of the matches."},
        "did_you_mean": TEXT,
        "notes": {"type": "array", "items": TEXT},
        "results": {"type": "array", "items": RESULT},
    },
}
COMPONENTS: Final[dict[str, Schema]] = {
    "Error": {**OBJECT, "required": ["code", "message"], "properties": {"code": TEXT, "message": TEXT}},
    "Taken": {
        **OBJECT,
        "required": ["success", "fates"],
        "properties": {
            "success": {"const": True},
            "fates": {**OBJECT, "additionalProperties": {"type": "integer"}, "description": "Fate to messages."},
        },
    },
    "Ranked": RANKED,
    "Completions": {
        **OBJECT,
        "required": ["completions"],
        "properties": {
            "completions": {
                "type": "array",
                "items": {**OBJECT, "required": ["text", "kind"], "properties": {"text": TEXT, "kind": TEXT}},
            }
        },
    },
    "Batch": BATCH,
    **{f"{kind.capitalize()}Message": {**OBJECT, "properties": OF_KIND[kind] | COMMON} for kind in KINDS},
}
ANSWERS: Final[dict[str, str]] = {
    **{f"POST /v1/{name}": "Taken" for name in (*KINDS, *MANY)},
    **{f"POST /v1/{name}": "Ranked" for name in ("search", "recommend", "explain")},
    "GET /v1/similar/{item_id}": "Ranked",
    "GET /v1/complete": "Completions",
}
"""Route → the component that its answer is."""
BODIES: Final[dict[str, str]] = {
    **{f"POST /v1/{kind}": f"{kind.capitalize()}Message" for kind in KINDS},
    **{f"POST /v1/{name}": "Batch" for name in MANY},
}
"""Route that reads its body itself → the component that it is."""
STATUSES: Final = {
    "400": "The call itself is wrong; the message says how.",
    "404": "Nobody knows that name; the message names the nearest known ones.",
    "409": "Something must be built first.",
    "413": "The body is too large.",
    "429": "Too often, or too much waits for the disk: Retry-After says when to go on.",
    "503": "Worth trying again: Retry-After says when.",
    "4XX": "Another error of the call.",
    "5XX": "An error of the server.",
}
KEYED: Final = {"401": "The key is missing, unknown or revoked.", "403": "The key's scope is not enough."}


def complete(app: FastAPI, access: Mapping[str, Needs]) -> None:
    """Have the app's OpenAPI document say all of it. Made once, when it is first asked for."""
    bare = app.openapi

    def document() -> Schema:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(bare(), access)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way of extending it


def _completed(document: Schema, access: Mapping[str, Needs]) -> Schema:
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):  # how FastAPI would answer; we answer errors in one form
        schemas.pop(name, None)
    schemas.update(COMPONENTS)
    parts["securitySchemes"] = SCHEMES
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(operation, f"{method.upper()} {path}", access)
    return document


def _complete(operation: Schema, entry: str, access: Mapping[str, Needs]) -> None:
    needs = access.get(entry, "admin")
    keyed = needs not in ("open", "own")
    operation["responses"].pop("422", None)
    if keyed:
        operation["security"] = [{name: []} for name in SCHEMES] + ([{}] if needs == "write" else [])
        operation["description"] = f"Needs a key of the scope {needs}."
    for status, meaning in (STATUSES | (KEYED if keyed else {})).items():
        operation["responses"].setdefault(status, _json("Error") | {"description": meaning})
    if entry in ANSWERS:
        operation["responses"]["200"] |= _json(ANSWERS[entry])
    if entry in BODIES:
        operation["requestBody"] = _json(BODIES[entry]) | {"required": True}


def _json(component: str) -> Schema:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{component}"}}}}
