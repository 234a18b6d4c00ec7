raise SystemExit("own grader")
