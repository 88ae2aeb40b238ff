"""What a crash may leave of a save: recorded system calls, a model of a disk, and its states."""
