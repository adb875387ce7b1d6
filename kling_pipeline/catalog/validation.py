"""What pydantic finds wrong in a request, as one sentence for each field."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kling_pipeline.errors import InputError


def input_error(error: ValidationError) -> InputError:
    """pydantic's findings as one sentence a field, with the measured value and the rule."""
    fields: dict[str, str] = {}
    for item in error.errors(include_url=False):
        fields.setdefault(str(item["loc"][0]) if item["loc"] else "params", _sentence(item))
    text = "; ".join(f"{name}: {sentence}" for name, sentence in fields.items())
    return InputError(text, fields=fields)


def _sentence(item: ErrorDetails) -> str:
    context, value = item.get("ctx", {}), item["input"]
    measured = len(value) if isinstance(value, str) else value
    match item["type"]:
        case "extra_forbidden":
            return "There is no such field."
        case "missing":
            return "This is needed."
        case _ if value is None:
            return "This is needed."
        case "string_too_long":
            return f"{measured} characters; at most {context['max_length']}."
        case "too_long" | "too_short":
            over = item["type"] == "too_long"
            bound = context["max_length"] if over else context["min_length"]
            return (
                f"There are {context['actual_length']}; at {'most' if over else 'least'} {bound}."
            )
        case "greater_than_equal":
            return f"{measured} is too small; at least {context['ge']}."
        case "less_than_equal":
            return f"{measured} is too large; at most {context['le']}."
        case "literal_error":
            return f"{str(value)[:40]!r} is not one of {context['expected']}."
        case "value_error":
            return str(context["error"])
    return f"{item['msg']}."
