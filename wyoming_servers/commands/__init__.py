"""One module per subcommand of `earshot`; each has `arguments(parser)` and `run(args) -> exit status`."""
