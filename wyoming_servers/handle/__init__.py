"""The intent server: a sentence comes in, a tool answers it, a sentence goes out."""
