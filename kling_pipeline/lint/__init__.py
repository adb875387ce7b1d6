"""What to say before money is spent, one small function a rule."""
