"""Options of the controls: how they are checked, and how a fault is told."""
