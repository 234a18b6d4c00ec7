raise SystemExit("own torch")
