"""What every refusal looks like."""

import httpx


def is_problem(answer: httpx.Response) -> str | None:
    """What is wrong with this refusal: None when it is a clear 4xx problem document."""
    if not 400 <= answer.status_code < 500:
        return f"status {answer.status_code}"
    if answer.headers.get("content-type") != "application/problem+json":
        return f"content-type {answer.headers.get('content-type')}"
    document = answer.json()
    lacking = [
        member
        for member, kind in (("type", str), ("title", str), ("status", int), ("detail", str))
        if not (isinstance(document.get(member), kind) and document[member])
    ]
    if lacking:
        return f"without {', '.join(lacking)}"
    if document["status"] != answer.status_code:
        return f"says {document['status']} and is {answer.status_code}"
    if any("detail" not in error for error in document.get("errors", ())):
        return "an error without detail"
    return None
