raise SystemExit("own package")
