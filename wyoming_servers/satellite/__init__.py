"""The satellite: microphone and loudspeaker, and the turn from wake word to spoken answer over Wyoming peers."""
