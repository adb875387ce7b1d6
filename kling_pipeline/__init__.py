"""The engine of Kling Studio: from a request to a stored, paid-for result; it never imports the page."""
