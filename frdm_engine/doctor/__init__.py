"""What `frdm doctor` looks at. Nothing here imports torch, pixels or sockets: `probes` do, in their own processes."""
