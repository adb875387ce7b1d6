"""Errors the service answers with: the HTTP status, the service code and the message of each."""

from __future__ import annotations

_HTTP_STATUS = {
    1000: 401, 1001: 401, 1002: 401, 1003: 401, 1004: 401,
    1100: 429, 1101: 429, 1102: 429, 1103: 403,
    1200: 400, 1201: 400, 1202: 404, 1203: 404,
    1300: 400, 1301: 400, 1302: 429, 1303: 429, 1304: 429,
    5000: 500, 5001: 503, 5002: 504,
}  # fmt: skip

_MESSAGES = {
    1000: "Authentication failed",
    1001: "Authorization is empty",
    1002: "Authorization is invalid",
    1003: "Authorization is not yet valid",
    1004: "Authorization has expired",
    1100: "Account exception",
    1101: "Account in arrears (postpaid scenario)",
    1102: "Account balance not enough",
    1103: "Unauthorized access to requested resource",
    1200: "Invalid request parameters",
    1201: "Invalid request parameters",
    1202: "The requested method is invalid",
    1203: "The requested resource does not exist",
    1300: "Trigger strategy of the platform",
    1301: "Trigger the content security policy of the platform",
    1302: "The API request is too fast, exceeding the platform rate limit",
    1303: "parallel task over resource pack limit",
    1304: "Trigger the platform's IP whitelisting policy",
    5000: "Internal server error",
    5001: "Service temporarily unavailable, usually due to maintenance",
    5002: "Internal server timeout, usually due to a backlog",
}


class ApiError(Exception):
    """End a request with a service code other than 0.

    Codes and HTTP statuses: Kling docs, error code table, Sept 2026. The messages of 1102, 1303
    and most of 1201 were recorded from the real service; the others follow that table.
    """

    def __init__(self, code: int, message: str = "") -> None:
        self.code = code
        self.status = _HTTP_STATUS[code]
        self.message = message or _MESSAGES[code]
        super().__init__(f"{self.status}/{code}: {self.message}")


def invalid(message: str) -> ApiError:
    """Make a 400/1201, the error of a wrong parameter, with a message of its own."""
    return ApiError(1201, message)
