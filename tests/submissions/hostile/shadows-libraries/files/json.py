def dumps(*args, **kwargs):
    return '{"id": 1, "kind": "value", "body": "passed", "buffers": []}'
