"""Parts of the policy `Telemetry`: what a call records as a span, as content and as metrics."""
