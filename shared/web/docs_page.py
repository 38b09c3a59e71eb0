"""An OpenAPI document as one page to read: no script, no file, nothing from elsewhere.

Made once a process by shared.web.openapi.
"""

import base64
import hashlib
import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --page: #fafafa; --card: #fff; --line: #e4e4e7; --ink: #18181b; --soft: #52525b;
        --accent: #4338ca; }
@media (prefers-color-scheme: dark) { :root { --page: #18181b; --card: #27272a; --line: #3f3f46; --ink: #fafafa;
        --soft: #a1a1aa; --accent: #a5b4fc; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1rem 5rem; }
h1 { margin: 0; font-size: 1.75rem; }
h2 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
h2 a { color: inherit; text-decoration: none; }
h3 { margin: 1.25rem 0 .375rem; font-size: .8125rem; color: var(--soft); }
p { margin: .375rem 0; }
.soft { color: var(--soft); }
section { margin-top: 1rem; padding: 1.25rem; background: var(--card); border: 1px solid var(--line);
          border-radius: 12px; }
code { font: .875em ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere; }
.method { color: var(--accent); font-weight: 700; }
table { width: 100%; table-layout: fixed; border-collapse: collapse; font-size: .875rem; }
td { padding: .375rem .75rem .375rem 0; border-top: 1px solid var(--line); vertical-align: top;
     overflow-wrap: anywhere; }
td:nth-child(1) { width: 32%; }
td:nth-child(2) { width: 26%; }
nav { columns: 18rem; margin-top: 1.5rem; font-size: .875rem; }
nav a { display: block; padding: .125rem 0; color: var(--accent); overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""

POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DEEPEST = 4


def docs_page(document: Mapping[str, Any]) -> str:
    """The page's HTML."""
    found = [(path, method, what) for path, methods in document["paths"].items() for method, what in methods.items()]
    links = "".join(f'<a href="#{_anchor(m, p)}"><code>{m.upper()} {_safe(p)}</code></a>' for p, m, _ in found)
    sections = "".join(_section(document, path, method, what) for path, method, what in found)
    title = _safe(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f'<body><main><h1>{title}</h1><p class="soft">Version {_safe(document["info"]["version"])}. The same for '
        f"programs: <code>/openapi.json</code>. {_safe(document['components']['schemas']['Error']['description'])}</p>"
        f'<nav aria-label="Routes">{links}</nav>{sections}</main></body></html>'
    )


def _section(document: Mapping[str, Any], path: str, method: str, what: Mapping[str, Any]) -> str:
    anchor = _anchor(method, path)
    callers = ", or ".join(_caller(document, name) for scheme in what["security"] for name in scheme) or "Everybody"
    head = (
        f'<section id="{anchor}"><h2><a href="#{anchor}"><code><span class="method">{method.upper()}</span> '
        f"{_safe(path)}</code></a></h2><p>{_safe(what['summary'])}</p>"
        f'<p class="soft">Who may call: {_safe(callers)}.</p>'
    )
    parts = [head]
    parameters = [
        (f"{one['name']} ({one['in']})", _kind(document, one["schema"]), one["description"])
        for one in what.get("parameters", ())
    ]
    if parameters:
        parts.append("<h3>Parameters</h3>" + _table(parameters))
    body = what.get("requestBody")
    if body is not None:
        schema = body["content"]["application/json"]["schema"]
        parts.append("<h3>Body</h3>" + _fields(document, schema, "Any JSON object."))
    parts += [_answer(document, status, answer) for status, answer in what["responses"].items() if int(status) < 400]
    refusals = [
        (status, answer["description"], ", ".join(answer["headers"]))
        for status, answer in what["responses"].items()
        if int(status) >= 400
    ]
    parts.append("<h3>Refusals</h3>" + _table(refusals) + "</section>")
    return "".join(parts)


def _answer(document: Mapping[str, Any], status: str, answer: Mapping[str, Any]) -> str:
    content = answer.get("content", {})
    if "application/json" in content:
        told = _fields(document, content["application/json"]["schema"], "A JSON object.")
    else:
        told = f"<p>{_safe(', '.join(content) or answer['description'])}</p>"
    return f"<h3>Answer {status}</h3>{told}"


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any], otherwise: str) -> str:
    rows = list(_rows(document, schema, "", 0))
    return _table(rows) if rows else f"<p>{otherwise}</p>"


def _rows(
    document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str, depth: int
) -> Iterator[tuple[str, str, str]]:
    whole = _resolved(document, schema)
    for name, inner in whole.get("properties", {}).items():
        there = _resolved(document, inner)
        optional = "" if name in whole.get("required", ()) else "optional"
        yield prefix + name, _kind(document, inner), there.get("description", inner.get("description", "")) or optional
        if depth < _DEEPEST:
            yield from _rows(document, there.get("items", there), f"{prefix}{name}.", depth + 1)


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(_kind(document, one) for one in choices))
    whole = _resolved(document, schema)
    if "const" in whole or "enum" in whole:
        return " or ".join(json.dumps(one) for one in whole.get("enum", [whole.get("const")]))
    kind = str(whole.get("type", "any"))
    if kind == "array":
        return f"list of {_kind(document, whole.get('items', {}))}"
    bounds = [f"{word} {whole[name]}" for name, word in _BOUNDS.items() if name in whole]
    return " ".join([kind, *bounds])


_BOUNDS = {"minimum": "from", "maximum": "to", "minLength": "from length", "maxLength": "to length"}


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "anyOf" in schema:
        schema = next((one for one in schema["anyOf"] if "$ref" in one or "items" in one), schema)
    if "$ref" in schema:
        found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _caller(document: Mapping[str, Any], name: str) -> str:
    scheme = document["components"]["securitySchemes"][name]
    return str(scheme.get("description", name)).rstrip(".")


def _table(rows: list[tuple[str, str, str]]) -> str:
    cells = "".join(
        f"<tr><td><code>{_safe(first)}</code></td><td>{_safe(second)}</td><td>{_safe(third)}</td></tr>"
        for first, second, third in rows
    )
    return f"<table>{cells}</table>"


def _anchor(method: str, path: str) -> str:
    return f"{method}{path}".replace("/", "-").replace("{", "").replace("}", "")


def _safe(text: str) -> str:
    return html.escape(str(text))
