"""The systems that the paper compares MPENet with, a file each; every one of them answers as MPENet does."""
