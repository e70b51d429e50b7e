"""Recharge cards: made as a job, sealed for who ordered them, used once, guarded against guessing."""
