"""What all explorers share: one description, its encoding, the front end, and its still image and page."""
