"""Earshot: a voice assistant that never lets sound leave the house."""

__version__ = "0.1.0"
