"""What every part of Earshot uses; imports nothing else of ours."""
