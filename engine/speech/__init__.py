"""The avatar's own side: what it says, from a file, a device or a speech program, with words and whether it speaks."""
