"""One file, one capability; a file dropped into this folder is found."""
