"""The page: layout, events and words; no SQL, no Kling, no price arithmetic."""
