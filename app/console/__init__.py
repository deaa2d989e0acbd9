"""The console: three screens over files. Design writes profiles, Live watches a run, Browse reads results."""
