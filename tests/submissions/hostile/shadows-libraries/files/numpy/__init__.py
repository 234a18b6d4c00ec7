raise SystemExit("own numpy")
