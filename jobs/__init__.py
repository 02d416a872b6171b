"""What a person or a timer asks for: a room per process, the command line, the demo company."""
