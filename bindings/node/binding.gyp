{
  "targets": [{
    "target_name": "tributary",
    "sources": ["tributary.c"],
    "include_dirs": ["../../include"],
    "libraries": ["-ltributary"]
  }]
}
