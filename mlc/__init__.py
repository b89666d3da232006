"""Durable model life-cycle processes on Temporal."""
