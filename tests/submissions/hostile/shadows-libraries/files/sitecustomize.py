raise SystemExit("own sitecustomize")
