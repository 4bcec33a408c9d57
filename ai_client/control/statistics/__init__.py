"""Parts of the control `statistics`: what `Metrics` counts, rolled up by the minute, the hour and the day."""
