"""The page: layout, wiring and words; no SQL, no Kling, no price arithmetic."""
