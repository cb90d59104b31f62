"""What conf/ may say: every key, and the messages for what does not fit."""
