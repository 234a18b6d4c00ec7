raise SystemExit("own pytest")
