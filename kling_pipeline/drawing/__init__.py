"""Draw the media that the simulator returns; imported by the simulator only."""
