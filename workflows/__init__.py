"""What happens in which order. Deterministic: no clock, no chance, no network but through activities."""
