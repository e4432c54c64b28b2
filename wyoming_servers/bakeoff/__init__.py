"""Which engine is best on this machine? Candidates are Wyoming servers, ours or anybody's; all are asked the same and measured alike."""
